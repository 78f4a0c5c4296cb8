"""What the audit writes into audit.json and what a model carries of it, as later stages read it."""

from typing import NotRequired

from typing_extensions import TypedDict


class Asked(TypedDict):
    """What a number of the audit is about."""

    arm: str
    subject: str
    statistic: str


class CarriedNumbers(TypedDict):
    """What a model carries of one finding."""

    value: float | None
    low: float | None
    high: float | None
    images: int
    patients: int


class FindingEntry(Asked, CarriedNumbers):
    """A `cxr.audit.checks.Finding` as JSON has it."""

    note: str


class FailureEntry(Asked):
    """A `cxr.audit.verdict.Failure` as JSON has it."""

    value: float
    limit: float
    at_least: bool
    sure: bool


class AuditReport(TypedDict):
    """audit.json: the stamp, its reasons, the limits by name, and every finding. asked: the split of the patients.
    asked, label_follows_source, not_measured: not in the files of earlier versions, which asked about test patients."""

    asked: NotRequired[str]
    shortcut_flagged: bool
    reasons: list[str]
    label_follows_source: NotRequired[bool]
    failures: list[FailureEntry]
    not_measured: NotRequired[list[str]]
    limits: dict[str, float]
    findings: list[FindingEntry]


class CarriedAudit(TypedDict):
    """measured: by arm, by subject."""

    reasons: list[str]
    measured: dict[str, dict[str, CarriedNumbers]]


class CarriedFacts(TypedDict):
    """What model.json says of the audit."""

    shortcut_flagged: bool
    audit: CarriedAudit
