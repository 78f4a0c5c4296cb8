"""Conformal triage (Angelopoulos et al. 2024): cut-offs whose groups keep a site's limits, by Learn-Then-Test.

Learn-Then-Test (Angelopoulos et al. 2021) tests for each cut-off "the share of wrong ones in the group is above the
limit", and takes only cut-offs where that is rejected. Here the cut-offs are the calibration patients' own scores.
Given a cut-off with K scores beyond it, these K patients are independent draws of all that lie beyond it, so the wrong
ones among them are binomial with the group's true share: that the group's size is random needs no approximation.

The groups are tested from the smallest that could pass to larger ones, and the first failure ends it (fixed-sequence
testing), so each test may err with the whole 1 - confidence. That bounds the error of all of them where the share,
followed outwards to larger groups, crosses the limit upwards at most once. It does so wherever a higher score goes
with more positives, and where scores say nothing. Where it crosses m times, the error is at most m (1 - confidence).
docs/site.md has the proof in words; `python -m tools.site_promise` measures it.

A limit is about the whole group, so very sure patients can pay for others who do not belong there: with many who
surely have it, "likely" could reach down to patients who surely do not. So the groups also end at an even probability,
and nobody above the threshold for COVID is called unlikely. All sizes that passed keep their limit at once, so any of
them may be taken.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cxr.site.binomial_limits import most_wrong, smallest_group

EVEN = 0.5  # nobody above is called unlikely, and nobody below likely

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CertifiedGroup:
    """bound: on the probability; the group is below it ("unlikely") or from it on ("likely"). called: calibration
    patients in the group. wrong: of them, positive or negative ones."""

    bound: float
    called: int
    wrong: int


@dataclass(frozen=True)
class CertifiedTriage:
    """A group is None where no cut-off could be certified for it: then nobody is called that."""

    unlikely: CertifiedGroup | None
    likely: CertifiedGroup | None

    def cuts(self) -> tuple[float, float]:
        """Below the first is unlikely, from the second on is likely; 0 and 1 where the group is to be empty."""
        return self.unlikely.bound if self.unlikely else 0.0, self.likely.bound if self.likely else 1.0


def certify_triage(
    y_true: npt.ArrayLike,
    p_covid: npt.ArrayLike,
    *,
    missed: float,
    false: float,
    confidence: float,
    threshold: float | None = None,
) -> CertifiedTriage:
    """y_true: (n,) 0 or 1, p_covid: (n,) in [0, 1], one picture a calibration patient. missed: of those called
    unlikely, the most that may be positive. false: of those called likely, the most that may be negative. threshold:
    from it on a picture is called COVID; None where there is none."""
    y = np.asarray(y_true, bool)
    p = np.asarray(p_covid, float)
    unlikely = _grown(p, y, missed, confidence)
    # Probabilities above a bound are those from the next number on.
    likely = [
        CertifiedGroup(float(np.nextafter(-group.bound, 2)), group.called, group.wrong)
        for group in _grown(-p, ~y, false, confidence)
    ]
    most = EVEN if threshold is None else min(EVEN, threshold)
    return CertifiedTriage(
        max((group for group in unlikely if group.bound <= most), key=_size, default=None),
        max((group for group in likely if group.bound >= EVEN), key=_size, default=None),
    )


def _size(group: CertifiedGroup) -> int:
    return group.called


def _grown(scores: Array, wrong: npt.NDArray[np.bool_], limit: float, confidence: float) -> list[CertifiedGroup]:
    """Every group {score < bound} that passed, from the smallest to the largest."""
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    ends = np.flatnonzero(ordered[1:] > ordered[:-1]) + 1  # equal scores are in or out together
    sizes = ends[ends >= smallest_group(limit, confidence)]
    found = np.cumsum(wrong[order])[sizes - 1]
    failed = np.flatnonzero(found > most_wrong(sizes, limit, confidence))
    passed = failed[0] if len(failed) else len(sizes)
    return [CertifiedGroup(float(ordered[k]), int(k), int(w)) for k, w in zip(sizes[:passed], found, strict=False)]


def certified_threshold(
    y_true: npt.ArrayLike, p_covid: npt.ArrayLike, *, sensitivity: float, confidence: float
) -> float | None:
    """The highest probability of a positive calibration patient from which on, with this confidence, at least
    `sensitivity` of all positive patients lie; None where there are too few positive ones to say.

    An order statistic: how many lie below it is a binomial question (Wilks 1941), and no limit on its distribution.
    """
    positives = np.sort(np.asarray(p_covid, float)[np.asarray(y_true) == 1])
    below = int(most_wrong([len(positives)], 1 - sensitivity, confidence)[0])
    return None if below < 0 else float(positives[below])
