"""Train the gate to tell what is no frontal chest X-ray, choose its threshold, and measure it by gates
that do not know the patient."""

from cxr.common.atomic_files import replace_when_complete, write_json
from cxr.common.config import load_params
from cxr.common.paths import GATE, INDEX, OTHER_VIEWS, PIXELS, RAW, REPORTS, SPLIT
from cxr.common.report_files import write_report
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset
from cxr.data.manifest import OtherView, read_rows
from cxr.data.settings import SplitParams
from cxr.evaluation.report_types import GateReport
from cxr.evaluation.settings import EvaluateParams
from cxr.gate.dataset import frontal_pictures, joined, other_views
from cxr.gate.report import gate_report
from cxr.gate.settings import GateParams
from cxr.gate.train import train_gate
from cxr.inference.gate import FILE

HEADLINE = ("frontal", "ct", "lateral", "inverted")


def main() -> str:
    params = load_params(GateParams)
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    listed = data.in_groups(read_rows(OtherView, OTHER_VIEWS))
    views = other_views(listed, RAW, data.pixels.shape[1], load_params(SplitParams))
    dataset = joined(frontal_pictures(data), views)
    trained = train_gate(dataset, params)
    with replace_when_complete(GATE) as unfinished:
        unfinished.mkdir()
        trained.gate.save(unfinished / FILE)
    report = gate_report(trained, dataset, params, load_params(EvaluateParams))
    write_report(report, REPORTS / "gate.json")
    write_json(headline(report), REPORTS / "gate_headline.json")
    shown = (
        f"{kind} {rate['value']:.1%} of {rate['images']}" for kind, rate in report["summary"]["cross_fitted"].items()
    )
    return f"pictures refused by gates that do not know the patient: {', '.join(shown)}"


def headline(report: GateReport) -> dict[str, float | None]:
    """The few numbers that fit a line of `dvc metrics show`: what was refused, by gates that do not know
    the patient."""
    rates = report["summary"]["cross_fitted"]
    return {f"{kind}_refused": rates[kind]["value"] if kind in rates else None for kind in HEADLINE}


if __name__ == "__main__":
    run_stage(main)
