"""Whether a site's sample can answer at all, before anything is computed, and what to collect where it cannot."""

from collections.abc import Sequence
from dataclasses import dataclass

from cxr.common.errors import CxrError
from cxr.evaluation.intervals import share_interval
from cxr.evaluation.subgroups import MIN_PATIENTS
from cxr.site.binomial_limits import smallest_group
from cxr.site.limits import SiteLimits
from cxr.site.parts import PARTS, Part, Shares, sizes_of

ENOUGH = "That can be enough for a verdict; whether it is depends on how well the model separates."
TOO_FEW = "The verdict will be not for use, whatever the model is worth: collect the patients named above."
WANTED = 0.10  # half the width of an interval that is worth acting on
_MOST = 20_000


@dataclass(frozen=True)
class Power:
    """answers: whether a verdict for use is possible at all. sentences: for people, at least one."""

    answers: bool
    sentences: tuple[str, ...]


def power_of(positives: int, negatives: int, shares: Shares, limits: SiteLimits) -> Power:
    """positives, negatives: patients."""
    confidence = limits.confidence
    for_threshold = _whole(smallest_group(1 - limits.sensitivity, confidence), "calibrate", shares)
    for_certify = _whole(MIN_PATIENTS, "certify", shares)
    for_unlikely = _whole(smallest_group(limits.missed_among_unlikely, confidence), "calibrate", shares)
    for_likely = _whole(smallest_group(limits.false_among_likely, confidence), "calibrate", shares)
    lacking = [
        *_lack(positives, for_threshold, "positive", f"a threshold for a sensitivity of {limits.sensitivity:.0%}"),
        *_lack(positives, for_certify, "positive", "an interval"),
        *_lack(negatives, for_certify, "negative", "an interval"),
    ]
    groups = [
        *_lack(
            negatives, for_unlikely, "negative", f'"unlikely" with {limits.missed_among_unlikely:.0%} missed at most'
        ),
        *_lack(positives, for_likely, "positive", f'"likely" with {limits.false_among_likely:.0%} false at most'),
    ]
    possible = not lacking and len(groups) < 2
    return Power(
        possible,
        (
            f"There are {positives} positive and {negatives} negative patients.",
            *lacking,
            *groups,
            _precision(positives, shares, limits),
            ENOUGH if possible else TOO_FEW,
        ),
    )


def _whole(needed: int, part: Part, shares: Shares) -> int:
    """Patients of a label, in all parts, that give so many in this one. Raises CxrError where the part is empty."""
    share = getattr(shares, part)
    if not share:
        raise CxrError(f"the part {part} is to have no patients; give it a share above 0")
    whole = max(int(needed / share) - 2, needed)
    while sizes_of(whole, shares)[PARTS.index(part)] < needed:
        whole += 1
    return whole


def _lack(there: int, needed: int, kind: str, purpose: str) -> Sequence[str]:
    if there >= needed:
        return ()
    return (f"For {purpose}, at least {needed} {kind} patients are needed: collect {needed - there} more.",)


def _precision(positives: int, shares: Shares, limits: SiteLimits) -> str:
    share, confidence = limits.sensitivity, limits.confidence
    there = sizes_of(positives, shares)[PARTS.index("certify")]
    needed = _whole(_trials_for(WANTED, share, confidence), "certify", shares)
    said = f"to know a sensitivity of {share:.0%} within ±{WANTED:.2f} it takes {needed} positive patients in all"
    if not there:
        return f"No positive patient is left to certify with; {said}."
    half = _half(there, share, confidence)
    return f"With {there} positive patients to certify with, the sensitivity will be known within ±{half:.2f}; {said}."


def _half(trials: int, share: float, confidence: float) -> float:
    """Half the width of Clopper and Pearson's interval where the share is as expected."""
    low, high = share_interval(round(trials * share), trials, confidence, "exact")
    return (high - low) / 2


def _trials_for(half: float, share: float, confidence: float) -> int:
    """By bisection: more trials give a narrower interval, but for rounding."""
    few, many = 1, _MOST
    while few < many:
        middle = (few + many) // 2
        few, many = (few, middle) if _half(middle, share, confidence) <= half else (middle + 1, many)
    return few
