"""Write build/retraining/: the report in Markdown, DVC's page of plots, the ROC curves as a picture: `make compare`.

BASE in the environment names the git revision to compare with. The default is HEAD, the last commit.
"""

import os
from pathlib import Path

from cxr.common.stage_runner import run_stage
from tools.evidence import draw_plots, gather
from tools.remote import remote_environment
from tools.report import Curve, Evidence, report

FOLDER = Path("build/retraining")


def main() -> str:
    revision = os.environ.get("BASE") or "HEAD"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with remote_environment() as environment:
        os.environ.update(environment)  # DVC may have to fetch the base's metrics
        evidence = gather(revision)
        drawn = draw_plots(evidence.base, FOLDER / "plots")
    text = report(evidence)
    (FOLDER / "report.md").write_text(text, encoding="utf-8")
    draw_roc(evidence, FOLDER / "roc.png")
    _show_on_github(text)
    page = f", plots in {FOLDER / 'plots' / 'index.html'}" if drawn else ""
    return f"report in {FOLDER / 'report.md'}{page}"


def draw_roc(evidence: Evidence, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    named: list[tuple[str, Curve, str]] = [
        (f"new: {evidence.register['winner']}", evidence.curves[0], "-"),
        (evidence.base.revision, evidence.curves[1], "--"),
    ]
    for label, curve, style in named:
        if curve:
            axes.plot(*zip(*curve, strict=True), style, label=label)
    axes.set(xlabel="False positive rate", ylabel="True positive rate", title="ROC on the validation patients")
    axes.set_aspect("equal")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=130)


def _show_on_github(text: str) -> None:
    """Add the report to the page of the run, where GitHub runs this."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as page:
            page.write(text)


if __name__ == "__main__":
    run_stage(main)
