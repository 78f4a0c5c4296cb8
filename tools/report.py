"""A retraining's report in Markdown: the new winner against the base revision and against the champion.

Everything here is a function of numbers, so that it can be tested without a workspace. tools/evidence.py reads the
numbers; tools/compare.py calls both: `make compare`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# A later run finds the comment to replace by this line (tools/comment.py).
MARKER = "<!-- covid-cxr: retraining report -->"
ROWS = {
    "auc": "AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "balanced_accuracy": "Balanced accuracy",
    "average_precision": "Average precision",
    "brier": "Brier score (lower is better)",
    "calibration_error": "Calibration error (lower is better)",
}
COUNTS = {
    ("reports/index.json", "images"): "Images",
    ("reports/index.json", "patients"): "Patients",
    ("reports/index.json", "rejected"): "Rejected images",
    ("reports/split.json", "patients.train"): "Patients to train on",
    ("reports/split.json", "patients.validation"): "Patients to validate on",
    ("reports/split.json", "patients.test"): "Patients to test on",
}
ROC_STEPS = 20  # a mermaid chart takes values at equal distances only

Metrics = Mapping[str, Mapping[str, float | None]]  # by metric: value, low and high
Diff = Mapping[str, Mapping[str, Mapping[str, Any]]]  # `dvc metrics diff --all --json`: file, key, old and new
Curve = Sequence[tuple[float, float]]  # (false positive rate, true positive rate), by falling threshold


@dataclass(frozen=True)
class Base:
    """The models at the revision to compare with. missing: the reason where there are none, else ""."""

    revision: str
    models: Mapping[str, Metrics] = field(default_factory=dict)
    winner: str = ""
    missing: str = ""


@dataclass(frozen=True)
class RegisteredChampion:
    """The registry's champion before this run. metrics: as recorded when it was measured."""

    version: str
    backbone: str
    metrics: Metrics


@dataclass(frozen=True)
class SealedTest:
    """metrics: on test patients. says: when, and that no choice used them. looks: at this test set, and at any."""

    metrics: Metrics
    says: str
    looks: int
    looks_ever: int


@dataclass(frozen=True)
class Evidence:
    """Everything that the report states.

    register: reports/register.json. models: the validation.json of each backbone. sealed: the winner's test, of this
    run; None where nobody looked. champion: None where there was none.
    curves: ROC of the new winner, then of the base's winner; either may be empty.
    """

    register: Mapping[str, Any]
    models: Mapping[str, Metrics]
    base: Base
    champion: RegisteredChampion | None
    diff: Diff = field(default_factory=dict)
    curves: tuple[Curve, Curve] = ((), ())
    sealed: SealedTest | None = None


def base_from_diff(diff: Diff, revision: str, missing: str = "") -> Base:
    """The base's side of the diff. A base of before validation decided has no such files, so it has no models here."""
    models: dict[str, dict[str, dict[str, float | None]]] = {}
    for path, values in diff.items():
        backbone = _backbone(path)
        for key, change in values.items():
            metric, bound = _metric_and_bound(key)
            if backbone and metric in ROWS and change.get("old") is not None:
                models.setdefault(backbone, {}).setdefault(metric, {})[bound] = change["old"]
    winner = diff.get("reports/winner.json", {}).get("backbone", {}).get("old") or ""
    reason = missing or ("" if models else "nothing was trained and published there yet")
    return Base(revision, models, winner, reason)


def _backbone(path: str) -> str:
    """ "vgg16" of reports/models/vgg16/validation_headline.json, else ""."""
    parts = path.split("/")
    return parts[2] if parts[:2] == ["reports", "models"] and parts[3:] == ["validation_headline.json"] else ""


def _metric_and_bound(key: str) -> tuple[str, str]:
    """ "auc" and "low" of auc_low, "auc" and "value" of auc."""
    for bound in ("low", "high"):
        if key.endswith(f"_{bound}"):
            return key.removesuffix(f"_{bound}"), bound
    return key, "value"


def report(evidence: Evidence) -> str:
    """The whole report; starts with the marker and ends with a newline."""
    sections = [
        MARKER,
        _decision(evidence),
        _winner_table(evidence),
        _backbones_table(evidence),
        _data_table(evidence.diff),
        _roc(evidence),
        "Measured on validation patients, who chose each model's epoch, calibration and threshold: the numbers are a "
        "little too good. Intervals are bootstrap intervals over patients. The columns of other models hold what was "
        "recorded when they were measured, perhaps on fewer patients. They decide nothing: the decision compares both "
        "models on the same validation images.",
        _sealed(evidence.sealed),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _decision(evidence: Evidence) -> str:
    register = evidence.register
    kept = "may become champion" if register.get("better") else "does not become champion"
    word = "becomes champion" if register["promoted"] else kept
    return (
        f"## Retraining: {register['winner']} {word}\n\n"
        f"Version {register['version']}: {register['reason']}.\n\n"
        f"`{register['winner']}` has the {register['why']}."
    )


def _sealed(sealed: SealedTest | None) -> str:
    """What the test patients say, last: nothing above depends on it."""
    if sealed is None:
        return ""
    rows = [[label, interval_text(sealed.metrics.get(metric, {}))] for metric, label in ROWS.items()]
    looks = f"Looks at this test set so far: {sealed.looks}; at any test set: {sealed.looks_ever}."
    return "\n\n".join(["### Sealed test of the winner", table(["Metric", "Test patients"], rows), sealed.says, looks])


def _winner_table(evidence: Evidence) -> str:
    winner = evidence.register["winner"]
    base = evidence.base
    champion = evidence.champion
    before = _counterpart(evidence)
    old = base.models.get(before, {})
    header = ["Metric, validation patients", f"New: {winner}"]
    if old:
        header += [f"{base.revision}: {before}", "Change"]
    if champion is not None:
        header.append(f"Champion before: version {champion.version}, {champion.backbone}")
    rows = [
        [
            label,
            interval_text(evidence.models[winner].get(metric, {})),
            *([interval_text(old.get(metric, {})), change_text(evidence.models[winner], old, metric)] if old else []),
            *([interval_text(champion.metrics.get(metric, {}))] if champion is not None else []),
        ]
        for metric, label in ROWS.items()
    ]
    return "\n\n".join([table(header, rows), *_absences(evidence, before, bool(old))])


def _counterpart(evidence: Evidence) -> str:
    """The backbone at the base that the winner is compared with: the base's winner, else the same backbone.

    It is never the best one by these numbers: choosing by them would favour the base.
    """
    return evidence.base.winner or evidence.register["winner"]


def _absences(evidence: Evidence, before: str, compared: bool) -> list[str]:
    said = []
    base = evidence.base
    if base.missing:
        said.append(f"No comparison with {base.revision}: {base.missing}.")
    elif not compared:
        said.append(f"No comparison with {base.revision}: it has no metrics of {before}.")
    elif not base.winner:
        said.append(f"{base.revision} does not record which backbone won there; the same backbone is shown.")
    if evidence.champion is None:
        said.append("No comparison with a champion: the registry had none before this run.")
    return said


def _backbones_table(evidence: Evidence) -> str:
    register = evidence.register
    base = evidence.base
    header = ["Backbone", "What picked the winner", "AUC"]
    if base.models:
        header += [f"AUC at {base.revision}", ""]
    rows = []
    for name in sorted({*evidence.models, *base.models}):
        row = [
            name + (" (winner)" if name == register["winner"] else ""),
            number_text(register["validation"].get(name)),
            interval_text(evidence.models.get(name, {}).get("auc", {})),
        ]
        if base.models:
            row += [interval_text(base.models.get(name, {}).get("auc", {})), _fate(name, evidence)]
        rows.append(row)
    return "### Backbones\n\n" + table(header, rows)


def _fate(name: str, evidence: Evidence) -> str:
    if name not in evidence.models:
        return "removed"
    return "" if name in evidence.base.models else "added"


def _data_table(diff: Diff) -> str:
    """What changed in the data; "" where nothing did."""
    rows = []
    for (path, key), label in COUNTS.items():
        change = diff.get(path, {}).get(key, {})
        if change.get("old") is not None and change.get("new") != change["old"]:
            rows.append([label, str(change["old"]), str(change.get("new", "–"))])
    return "### Data\n\n" + table(["", "Before", "Now"], rows) if rows else ""


def _roc(evidence: Evidence) -> str:
    """A chart that GitHub draws from text: a picture in a comment would have to be stored somewhere."""
    new, old = evidence.curves
    if not new:
        return ""
    lines = [
        "```mermaid",
        "xychart-beta",
        '  x-axis "False positive rate" 0 --> 1',
        '  y-axis "True positive rate" 0 --> 1',
        *(f"  line [{', '.join(f'{rate:.3f}' for rate in sampled(curve))}]" for curve in (new, old) if curve),
        "```",
    ]
    said = f"new, then {evidence.base.revision}" if old else "new"
    return f"### ROC on the validation patients ({said})\n\n" + "\n".join(lines)


def sampled(curve: Curve, steps: int = ROC_STEPS) -> list[float]:
    """The curve's true positive rates at steps + 1 equally distant false positive rates from 0 to 1."""
    return [max(tpr for fpr, tpr in curve if fpr <= step / steps + 1e-9) for step in range(steps + 1)]


def interval_text(interval: Mapping[str, float | None]) -> str:
    """ "0.912 (0.880 to 0.941)"; a dash where it is not known."""
    value, low, high = (interval.get(name) for name in ("value", "low", "high"))
    if low is None or high is None:
        return number_text(value)
    return f"{number_text(value)} ({low:.3f} to {high:.3f})"


def number_text(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def change_text(new: Metrics, old: Metrics, metric: str) -> str:
    """New minus old with its sign; a dash where either is not known."""
    after = new.get(metric, {}).get("value")
    before = old.get(metric, {}).get("value")
    return "–" if after is None or before is None else f"{after - before:+.3f}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines)


def _cell(text: str) -> str:
    """The text without what Markdown takes for the end of a cell; a branch's name may contain it."""
    return text.replace("|", "\\|").replace("\n", " ")
