"""What outcomes say of a model at a site, beside what the site's profile promises."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from cxr.common.errors import CxrError
from cxr.inference.site_profile import Limits, SiteProfile
from cxr.outcomes.figures import FIGURES, By, Estimate, Estimates, measure, strata_of
from cxr.outcomes.records import STATES, TRIAGES, TRUTHS, profile_digest
from cxr.outcomes.store import Cell, OutcomeStore, Used

SCHEMA_VERSION = 1
CONFIDENCE = 0.95  # where no profile names one
AT_LEAST = ("sensitivity",)  # limits from below; the others are limits from above
LIMITS = (*AT_LEAST, "missed_among_unlikely", "false_among_likely")
Standing = Literal["kept", "broken", "open"]  # the whole interval is within the limit, beyond it, or neither


@dataclass(frozen=True)
class LiveFigure:
    """limit: as the profile has it, None where it names none or there is no profile."""

    measured: Estimates
    limit: float | None = None
    standing: Standing | None = None


@dataclass(frozen=True)
class OutcomeReport:
    """counts: of all answers of the setup, by cell. confidence: of each interval by itself."""

    used: Used
    by: By
    confidence: float
    counts: Mapping[Cell, int]
    figures: Mapping[str, LiveFigure]

    @property
    def broken(self) -> tuple[str, ...]:
        return tuple(name for name, figure in self.figures.items() if figure.standing == "broken")

    def answers(self, **places: int) -> int:
        """With these places of a cell: state, triage, bin, truth."""
        return sum(
            answers
            for cell, answers in self.counts.items()
            if all(getattr(cell, name) == place for name, place in places.items())
        )


def report_of(
    store: OutcomeStore, profile: SiteProfile | None = None, by: By = "triage", model: str | None = None
) -> OutcomeReport:
    """About the setup that answered last, or the last one of `model`. profile: whose limits are compared with; answers
    under another profile are not its affair. Raises CxrError where there is no answer to speak of, and StoreError."""
    return report_about(store, _chosen(store, profile, model), profile, by)


def report_about(
    store: OutcomeStore, used: Used, profile: SiteProfile | None = None, by: By = "triage"
) -> OutcomeReport:
    """As `report_of`, about one setup, whose profile is `profile` if it has one. Raises StoreError."""
    counts = store.counts(used.setup)
    limits = None if profile is None else profile.limits
    confidence = limits.confidence if limits and 0 < limits.confidence < 1 else CONFIDENCE
    strata = strata_of(counts, by)
    found = {name: measure(figure, strata, confidence) for name, figure in FIGURES.items()}
    figures = {name: _live(name, measured, limits) for name, measured in found.items() if measured is not None}
    return OutcomeReport(used, by, confidence, counts, figures)


def _chosen(store: OutcomeStore, profile: SiteProfile | None, model: str | None) -> Used:
    digest = None if profile is None else profile_digest(profile)
    for used in store.setups():
        if model in (None, used.setup.model) and digest in (None, used.setup.profile):
            return used
    asked = "" if model is None else f" of {model}"
    under = "" if digest is None else f" under this profile ({digest})"
    raise CxrError(f"{store.path} has no answers{asked}{under}; it takes those given with CXR_FEEDBACK set")


def _live(name: str, measured: Estimates, limits: Limits | None) -> LiveFigure:
    if limits is None or name not in LIMITS:
        return LiveFigure(measured)
    limit = float(getattr(limits, name))
    return LiveFigure(measured, limit, _standing(measured.corrected, limit, at_least=name in AT_LEAST))


def _standing(found: Estimate, limit: float, *, at_least: bool) -> Standing:
    if at_least:
        return "kept" if found.low >= limit else "broken" if found.high < limit else "open"
    return "kept" if found.high <= limit else "broken" if found.low > limit else "open"


def document_of_report(report: OutcomeReport) -> dict[str, Any]:
    """As JSON: no answer's id, no picture, no identity."""
    return {
        "schema_version": SCHEMA_VERSION,
        "setup": asdict(report.used.setup),
        "since": _utc(report.used.first),
        "last_answer": _utc(report.used.last),
        "confidence": report.confidence,
        "strata": report.by,
        "answers": _returned(report),
        "by_triage": {
            str(group): _returned(report, triage=place)
            for place, group in enumerate(TRIAGES)
            if group is not None and report.answers(triage=place)
        },
        "by_state": {state: _returned(report, state=place) for place, state in enumerate(STATES)},
        "figures": {name: _figure(figure) for name, figure in report.figures.items()},
        "broken": list(report.broken),
    }


def _returned(report: OutcomeReport, **places: int) -> dict[str, Any]:
    """How many answers, how many of each outcome, and the share that has one that says something."""
    by_truth = {truth: report.answers(truth=place, **places) for place, truth in enumerate(TRUTHS)}
    whole = sum(by_truth.values())
    told = by_truth["positive"] + by_truth["negative"]
    return {"all": whole, **by_truth, "share_with_outcome": round(told / whole, 4) if whole else None}


def _figure(figure: LiveFigure) -> dict[str, Any]:
    measured = figure.measured
    return {
        "raw": asdict(measured.raw),
        "corrected": {name: value for name, value in asdict(measured.corrected).items() if name != "n"},
        "not_corrected_for": [{"stratum": stratum.name, "answers": stratum.answers} for stratum in measured.unverified],
        "limit": figure.limit,
        "standing": figure.standing,
    }


def _utc(hour: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(3600 * hour))
