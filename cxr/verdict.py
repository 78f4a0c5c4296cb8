"""From the audit's findings to a stamp: which stated limits a model fails, and the words that say so."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cxr.audit_params import AuditLimits
from cxr.shortcuts import Finding

# Arms that must be measured: a model for which the data can not even ask counts as not cleared.
REQUIRED = ("same_source", "lungs_blacked_out", "border_only")


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
        side = "at least" if self.at_least else "at most"
        doubt = "" if self.sure else " (the interval holds the limit)"
        name = self.arm.replace("_", " ")
        return f"{name}, {self.subject}: {self.statistic} {self.value:.2f}, the limit is {side} {self.limit:.2f}{doubt}"


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


def verdict(findings: Sequence[Finding], limits: AuditLimits) -> dict[str, Any]:
    """What audit.json holds: the stamp, its reasons, and all findings."""
    failures, missing = flagged(findings, limits), not_cleared(findings)
    return {
        "shortcut_flagged": bool(failures or missing),
        "reasons": [str(failure) for failure in failures]
        + [f"{arm.replace('_', ' ')} could not be measured" for arm in missing],
        "failures": [asdict(failure) for failure in failures],
        "not_measured": sorted({finding.arm for finding in findings if finding.value is None}),
        "limits": asdict(limits),
        "findings": [asdict(finding) for finding in findings],
    }


def _beyond(value: float, rule: Rule) -> bool:
    return value < rule.limit if rule.at_least else value > rule.limit


def _surely(finding: Finding, rule: Rule) -> bool:
    end = finding.high if rule.at_least else finding.low
    return end is not None and _beyond(end, rule)


def as_metrics(findings: Iterable[Finding]) -> dict[str, float]:
    """The measured findings under names that MLflow takes: audit_<arm>_<subject>_<statistic>, and _low, _high."""
    metrics = {}
    for finding in findings:
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", f"audit_{finding.arm}_{finding.subject}_{finding.statistic}")
        for ending, value in (("", finding.value), ("_low", finding.low), ("_high", finding.high)):
            if value is not None:
                metrics[name + ending] = value
    return metrics
