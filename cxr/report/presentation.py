"""What the templates show, derived from the facts: how numbers came about, the AUC without lungs, rows of tables."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cxr.audit.report_types import FindingEntry
from cxr.audit.settings import AuditLimits
from cxr.audit.verdict import Rule, rules
from cxr.data.manifest import REJECTIONS
from cxr.report import words
from cxr.report.facts import ReportFacts
from cxr.sources.base import SourceDescription
from cxr.tracking.spec import flattened

_PIN = 12  # characters of a commit that tell it from others


def single_label(facts: ReportFacts) -> str:
    """The sources among several whose training images carry one label only, with that label; "" for none."""
    trained = facts.cohort["train"]["labels_by_source"]
    alone = [f"{source} ({next(iter(labels))})" for source, labels in trained.items() if len(labels) == 1]
    return ", ".join(alone) if len(trained) > 1 else ""


def trunk(facts: ReportFacts) -> str:
    """What became of the pretrained network, in words."""
    features = facts.params["features"]
    train = facts.params["train"]
    cut = features.get("cut", {}).get(facts.winner)
    blocks = train.get("fine_tune", 0)
    layers = cut.split("+") if cut else []
    whole = f"cut after the layer{'s' * (len(layers) > 1)} {words.listed(layers)}" if layers else "without its top"
    seen = ", its map weighted by the lungs that a segmenter sees" if features["focus"] == "models/lungs" else ""
    return f"{whole}{seen}, {f'its last {blocks} blocks trained too' if blocks else 'frozen'}"


OPTIMISTIC = (
    "The validation patients chose the epoch, the calibration and the threshold, so their numbers are a little too good"
)


def measured(facts: ReportFacts) -> str:
    """How the numbers that stand first came about: sentences without the last full stop."""
    if facts.sealed is None:
        return f"{OPTIMISTIC}. Nobody has looked at the test patients for this version"
    about = facts.sealed.about
    looks = facts.sealed.looks
    return (
        f"The test patients took no part in training or in any choice. They were asked about on {about['when']}, after "
        f"this version was registered. This test set has been looked at {words.times(looks)}, any test set "
        f"{words.times(facts.sealed.looks_ever)}; each look makes it tell a little less"
    )


def without_lungs(findings: Iterable[FindingEntry]) -> str:
    """What stands beside an AUC: the AUC of the same patients with the lungs blacked out, or why it is not known."""
    found = [finding for finding in findings if finding["arm"] == "lungs_blacked_out"]
    return "; ".join(map(_masked, found)) or "not measured: the audit has no such arm"


def _masked(finding: FindingEntry) -> str:
    if finding["value"] is None:
        return words.interval(finding)
    note = f"; {finding['note']}" if finding["note"] else ""
    return f"{words.interval(finding)} on {words.count(finding['images'])} images{note}"


@dataclass(frozen=True)
class AuditRow:
    """outcome: "pass", "FAIL", "no limit" or "not measured"."""

    subject: str
    statistic: str
    value: str
    images: int
    patients: int
    limit: str
    outcome: str


@dataclass(frozen=True)
class AuditArm:
    heading: str
    question: str
    rows: tuple[AuditRow, ...]


def audit_arms(facts: ReportFacts) -> list[AuditArm]:
    """The winner's audit, an arm a block, in the audit's order."""
    audit = facts.model.audit
    limits = {(rule.arm, rule.statistic): rule for rule in rules(AuditLimits(**audit["limits"]))}
    failed = {(failure["arm"], failure["subject"], failure["statistic"]) for failure in audit["failures"]}
    arms: dict[str, list[AuditRow]] = {}
    for finding in audit["findings"]:
        rule = limits.get((finding["arm"], finding["statistic"]))
        arms.setdefault(finding["arm"], []).append(_audit_row(finding, rule, failed))
    return [AuditArm(*words.arm_words(arm), tuple(rows)) for arm, rows in arms.items()]


def sealed_arms(facts: ReportFacts) -> list[AuditArm]:
    """The arms on test patients, which report and decide nothing; none where there is no sealed test."""
    arms: dict[str, list[AuditRow]] = {}
    for finding in facts.sealed.shown.findings if facts.sealed else ():
        arms.setdefault(finding["arm"], []).append(_audit_row(finding, None, set()))
    return [AuditArm(*words.arm_words(arm), tuple(rows)) for arm, rows in arms.items()]


def _audit_row(finding: FindingEntry, rule: Rule | None, failed: set[tuple[str, str, str]]) -> AuditRow:
    key = (finding["arm"], finding["subject"], finding["statistic"])
    if finding["value"] is None:
        outcome = "not measured"
    elif rule is None:
        outcome = "no limit"
    else:
        outcome = "FAIL" if key in failed else "pass"
    value = finding["note"] if finding["value"] is None else words.interval(finding)
    limit = "none" if rule is None else f"{'at least' if rule.at_least else 'at most'} {rule.limit:g}"
    statistic = "AUC" if finding["statistic"] == "auc" else finding["statistic"]
    counts = (finding["images"], finding["patients"])
    return AuditRow(finding["subject"], statistic, value, *counts, limit, outcome)


@dataclass(frozen=True)
class DataSource:
    """role: trained on, or only ever tested on. origin: "public" or "a mirror", with the pin."""

    name: str
    words: SourceDescription
    images: str
    trained_on: str
    origin: str


def data_sources(facts: ReportFacts) -> Iterator[DataSource]:
    by_label = facts.index["by_source_and_label"]
    download = facts.params["download"]
    for name, source in {**download["sources"], **download["external"]}.items():
        labels = {
            label: images
            for (of, _, label), images in ((key.partition("/"), images) for key, images in by_label.items())
            if of == name
        }
        external = name in download["external"]
        trained_on = "nothing: only ever tested on" if external else words.setting(source["train_on"])
        yield DataSource(name, words.source_words(source), words.counted(labels), trained_on, _origin(source))


def _origin(source: Mapping[str, Any]) -> str:
    pin = str(source.get("revision") or source.get("version") or "")[:_PIN]
    if "origin" not in source:
        return "drawn here"
    if source["origin"] == "public":
        return f"public, pinned at {pin}" if pin else "public"
    return "a mirror" + (f" of what params.yaml pins at {pin}" if pin else "")


def rejected(facts: ReportFacts) -> list[tuple[str, str, str, int]]:
    """(source, reason, what it means, images), those that only the split leaves out included."""
    found = []
    for key, images in facts.index["rejected_by_source_and_reason"].items():
        source, _, reason = key.partition("/")
        if images:
            found.append((source, words.spaced(reason), REJECTIONS[reason], images))
    at_split = _dropped(facts).items()
    return found + [("all", words.spaced(reason), REJECTIONS[reason], images) for reason, images in at_split if images]


def dropped(facts: ReportFacts) -> int:
    """How many images the split left out."""
    return sum(_dropped(facts).values())


def _dropped(facts: ReportFacts) -> dict[str, int]:
    return {
        "near_duplicate_across_split": facts.split["near_duplicates_dropped"],
        "conflicting_labels": facts.split.get("contradictory_copies_dropped", 0),
    }


def settings(facts: ReportFacts) -> dict[str, str]:
    """Every parameter, flat, with no path of anybody's machine."""
    return {name: words.setting(value) for name, value in flattened(dict(facts.params)).items()}


def commit(facts: ReportFacts) -> str:
    origin = facts.model.run["origin"]
    found = origin.get("mlflow.source.git.commit")
    if not found:
        return "not recorded: trained outside a git repository"
    return found + (" with uncommitted changes" if origin.get("cxr.git_changed") == "true" else "")


def per_hundred(share: float) -> int:
    return round(100 * share)
