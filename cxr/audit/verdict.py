"""From the audit's findings to a stamp: which stated limits a model fails, and the words that say so."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import cast

from cxr.audit.checks import Finding
from cxr.audit.report_types import AuditReport, CarriedFacts, CarriedNumbers, FailureEntry, FindingEntry
from cxr.audit.settings import AuditLimits

ASKED = "validation"  # whose pictures decide on the stamp, beside those that are never trained on
# Arms that must be measured: a model for which the data cannot even ask counts as not cleared.
REQUIRED = ("same_source", "lungs_blacked_out", "border_only")
# Arms whose numbers a model carries with it.
CARRIED = (
    "same_source",
    "with_lungs",
    "lungs_blacked_out",
    "lung_box_blacked_out",
    "border_only",
    "false_positive_rate",
    "sensitivity",
)
ONE_LABEL = "a source of the training images carries one label only, so that knowing the source is knowing the label"


@dataclass(frozen=True)
class Rule:
    """A limit on every measured finding of one arm and statistic. at_least: which side of the limit is good."""

    arm: str
    statistic: str
    limit: float
    at_least: bool


@dataclass(frozen=True)
class Failure:
    """A limit that is not held. sure: the whole interval lies beyond it."""

    arm: str
    subject: str
    statistic: str
    value: float
    limit: float
    at_least: bool
    sure: bool

    def __str__(self) -> str:
        bound = "at least" if self.at_least else "at most"
        doubt = "" if self.sure else " (the interval holds the limit)"
        name = self.arm.replace("_", " ")
        return (
            f"{name}, {self.subject}: {self.statistic} {self.value:.2f}, the limit is {bound} {self.limit:.2f}{doubt}"
        )


def rules(limits: AuditLimits) -> list[Rule]:
    without_lungs = ("lungs_blacked_out", "lung_box_blacked_out", "border_only")
    return [
        Rule("same_source", "auc", limits.same_source_auc, at_least=True),
        *(Rule(arm, "auc", limits.without_lungs_auc, at_least=False) for arm in without_lungs),
        Rule("false_positive_rate", "share called COVID", limits.false_positive_rate, at_least=False),
        Rule("sensitivity", "share called COVID", limits.sensitivity, at_least=True),
        Rule("behaviour", "mean change", limits.mean_change, at_least=False),
        Rule("behaviour", "share of calls turned", limits.calls_turned, at_least=False),
    ]


def flagged(findings: Iterable[Finding], limits: AuditLimits) -> list[Failure]:
    """Every stated limit that a measured finding fails. What could not be measured fails nothing here; see
    `not_cleared`."""
    held_to = {(rule.arm, rule.statistic): rule for rule in rules(limits)}
    failures = []
    for finding in findings:
        rule = held_to.get((finding.arm, finding.statistic))
        if rule is not None and finding.value is not None and _beyond(finding.value, rule):
            kind = (finding.arm, finding.subject, finding.statistic)
            failures.append(Failure(*kind, finding.value, rule.limit, rule.at_least, _surely(finding, rule)))
    return failures


def not_cleared(findings: Sequence[Finding]) -> list[str]:
    """The required arms of which nothing could be measured."""
    measured = {finding.arm for finding in findings if finding.value is not None}
    return [arm for arm in REQUIRED if arm not in measured]


def verdict(findings: Sequence[Finding], limits: AuditLimits, *, label_follows_source: bool) -> AuditReport:
    """What audit.json holds: the stamp, its reasons, and all findings. The one place that decides on the stamp.

    label_follows_source: of the training images (`cxr.data.dataset.label_follows_source`). Knowing the source then pays
    in training, and no number from the same sources can show that the model does without.
    """
    failures = flagged(findings, limits)
    missing = not_cleared(findings)
    reasons = [ONE_LABEL] if label_follows_source else []
    reasons += [str(failure) for failure in failures]
    reasons += [f"{arm.replace('_', ' ')} could not be measured" for arm in missing]
    return {
        "asked": ASKED,
        "shortcut_flagged": bool(reasons),
        "reasons": reasons,
        "label_follows_source": label_follows_source,
        "failures": [cast(FailureEntry, asdict(failure)) for failure in failures],
        "not_measured": sorted({finding.arm for finding in findings if finding.value is None}),
        "limits": asdict(limits),
        "findings": [cast(FindingEntry, asdict(finding)) for finding in findings],
    }


def headline(findings: Iterable[Finding], *, shortcut_flagged: bool) -> dict[str, float | bool | None]:
    """The few numbers that fit a line of `dvc metrics show`, the worst of each kind; None where none was measured."""
    by_kind: dict[tuple[str, str], list[float]] = {}
    for finding in findings:
        if finding.value is not None:
            by_kind.setdefault((finding.arm, finding.statistic), []).append(finding.value)

    def worst(arm: str, statistic: str, of: Callable[[list[float]], float]) -> float | None:
        return of(by_kind[arm, statistic]) if (arm, statistic) in by_kind else None

    return {
        "same_source_auc": worst("same_source", "auc", min),
        "without_lungs_auc": worst("lungs_blacked_out", "auc", max),
        "border_auc": worst("border_only", "auc", max),
        "worst_false_positive_rate": worst("false_positive_rate", "share called COVID", max),
        "worst_sensitivity": worst("sensitivity", "share called COVID", min),
        "worst_mean_change": worst("behaviour", "mean change", max),
        "shortcut_flagged": shortcut_flagged,
    }


def carried_facts(outcome: AuditReport) -> CarriedFacts:
    """What model.json says of a `verdict`: the stamp, why, and the measured numbers by arm and subject."""
    measured: dict[str, dict[str, CarriedNumbers]] = {}
    for finding in outcome["findings"]:
        if finding["arm"] in CARRIED and finding["value"] is not None:
            measured.setdefault(finding["arm"], {})[finding["subject"]] = {
                "value": finding["value"],
                "low": finding["low"],
                "high": finding["high"],
                "images": finding["images"],
                "patients": finding["patients"],
            }
    return {
        "shortcut_flagged": outcome["shortcut_flagged"],
        "audit": {"reasons": outcome["reasons"], "measured": measured},
    }


def _beyond(value: float, rule: Rule) -> bool:
    return value < rule.limit if rule.at_least else value > rule.limit


def _surely(finding: Finding, rule: Rule) -> bool:
    end = finding.high if rule.at_least else finding.low
    return end is not None and _beyond(end, rule)


def as_metrics(findings: Iterable[Finding]) -> dict[str, float]:
    """The measured findings under names that MLflow takes: <arm>/<subject>/<statistic>, and _low, _high."""
    metrics = {}
    for finding in findings:
        words = (finding.arm, finding.subject, finding.statistic)
        name = "/".join(re.sub(r"[^A-Za-z0-9_.-]+", "_", word) for word in words)
        for ending, value in (("", finding.value), ("_low", finding.low), ("_high", finding.high)):
            if value is not None:
                metrics[name + ending] = value
    return metrics
