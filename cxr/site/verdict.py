"""For use here, or not: decided from numbers, with the reasons as sentences."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cxr.evaluation.subgroups import MIN_PATIENTS
from cxr.site.findings import Findings, Share
from cxr.site.limits import SiteLimits
from cxr.site.triage_certification import CertifiedGroup, CertifiedTriage

MOST_REFUSED = 0.20


@dataclass(frozen=True)
class Decided:
    """reasons: what speaks against the use, where the verdict is against it; else what it rests on."""

    verdict: Literal["for_use", "not_for_use"]
    reasons: tuple[str, ...]


def verdict_of(triage: CertifiedTriage, threshold: float | None, findings: Findings, limits: SiteLimits) -> Decided:
    """For use are cut-offs of at least one group and a threshold, all certified, and certify patients who rank as a
    working model ranks them and contradict no limit.

    Cut-offs alone would not do: where fewer patients are positive than may be missed, a group "unlikely" drawn by lot
    keeps its limit.
    """
    against = (*_not_certified(triage, threshold, limits), *_does_not_rank(findings), *_contradicted(findings, limits))
    if against:
        return Decided("not_for_use", against)
    return Decided("for_use", tuple(_rests_on(triage, limits)))


def refusals_against(refused: Share, confidence: float) -> tuple[str, ...]:
    """Of the pictures that the site calls frontal chest X-rays, those that the model does not answer. A gate that
    refuses them so often was not made for such pictures, and the promises are about what is left."""
    if not refused.surely_above(MOST_REFUSED, confidence):
        return ()
    return (
        f"The model refuses {refused.count} of {refused.trials} of the site's pictures; more than {MOST_REFUSED:.0%} "
        "is too much.",
    )


def _not_certified(triage: CertifiedTriage, threshold: float | None, limits: SiteLimits) -> Iterator[str]:
    sure = f"with {limits.confidence:.0%} confidence"
    if triage.unlikely is None and triage.likely is None:
        yield (
            f"No cut-off keeps a limit {sure}: neither at most {limits.missed_among_unlikely:.0%} positive among those "
            f"called unlikely, nor at most {limits.false_among_likely:.0%} negative among those called likely."
        )
    if threshold is None:
        yield f"There are too few positive calibration patients for a sensitivity of {limits.sensitivity:.0%} {sure}."


def _does_not_rank(findings: Findings) -> Iterator[str]:
    few = min(findings.positives, findings.negatives)
    if few < MIN_PATIENTS:
        yield (
            f"Only {findings.positives} positive and {findings.negatives} negative patients are left to certify with; "
            f"at least {MIN_PATIENTS} of each are needed."
        )
    elif findings.chance > 1 - findings.confidence:
        yield (
            "Positive patients do not rank higher than negative ones beyond chance on the certify patients "
            f"(p = {findings.chance:.2f}): the model may not work here at all."
        )


def _contradicted(findings: Findings, limits: SiteLimits) -> Iterator[str]:
    """The certify patients have seen no choice. Where they exceed a limit beyond chance, something was wrong."""
    share = findings.sensitivity
    missed = Share(share.trials - share.count, share.trials)
    measured = (
        ("those called unlikely are positive", findings.missed_among_unlikely, limits.missed_among_unlikely),
        ("those called likely are negative", findings.false_among_likely, limits.false_among_likely),
        ("the positive patients are below the threshold", missed, 1 - limits.sensitivity),
    )
    for what, found, limit in measured:
        if found.surely_above(limit, limits.confidence):
            yield f"On the certify patients {found.count} of {found.trials} of {what}; the limit is {limit:.0%}."


def _rests_on(triage: CertifiedTriage, limits: SiteLimits) -> Iterator[str]:
    groups = (
        ("unlikely", "positive", triage.unlikely, limits.missed_among_unlikely),
        ("likely", "negative", triage.likely, limits.false_among_likely),
    )
    for name, wrong, group, limit in groups:
        yield _group(name, wrong, group, limit, limits.confidence)
    yield (
        f"With {limits.confidence:.0%} confidence at least {limits.sensitivity:.0%} of positive patients lie above the "
        "threshold."
    )
    yield "Positive patients rank higher than negative ones beyond chance on the certify patients."


def _group(name: str, wrong: str, group: CertifiedGroup | None, limit: float, confidence: float) -> str:
    if group is None:
        return f"No cut-off could be certified for {name}: nobody is called that."
    return (
        f"With {confidence:.0%} confidence at most {limit:.0%} of those called {name} are {wrong}: of "
        f"{group.called} calibration patients called so, {group.wrong} were."
    )
