"""Sequential tests whose rate of false alarms holds however often one looks.

A picture's conformal p-value is its rank, ties broken by chance, among the reference, all pictures before it and it.
While all of these are exchangeable, the p-values of a statistic are independent and uniform, whatever the world is
like and however small the reference (Vovk, Gammerman, Shafer 2005): the error of 150 pictures raises no alarm.

A bet is a density on [0, 1], so its mean under a uniform p-value is 1. For each statistic and bet the
Shiryaev-Roberts sum over all starts, R = (1 + R) * bet(p), less the number of pictures is a martingale, and so is the
mean R of all bets. A statistic alarms where that reaches c times the number of statistics, and then starts anew. In N
pictures of an unchanged world all statistics together thus raise at most N / c alarms on average, however they depend
on each other (Shin, Ramdas, Rinaldo 2023; Vovk et al. 2021). Each is stopped by its own evidence only, since its
p-values are independent of each other but not of those of other statistics.

All arrays may have further leading dimensions, one watch each: a simulation runs many at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Alarms = npt.NDArray[np.bool_]

PICTURES_PER_FALSE_ALARM = 20_000  # at least, on average, of all statistics together
# Of each bet, the share that stays: no single picture may take more than nine tenths of what was won.
KEPT = 0.1
RISES = (1, 3, 9, 29)  # powers: from a slight lean to one end, to all at that end
ENDS = (1, 4)  # the same for both ends at once, and for the middle
FEW_KEPT = 0.75  # of a bet that a few pictures have gone to one end, the others being as before
FEW_RISE = 49
BETS = 2 * len(RISES) + 2 * len(ENDS) + 2
ABSENT = -1  # the bin of a picture that lacks a statistic
MOST = 1e250  # evidence that has grown beyond all doubt grows no further


def bets(p: Array) -> Array:
    """What each bet pays at p-values in [0, 1]: float64[..., BETS], of mean 1 over a uniform p."""
    away = np.abs(2 * p - 1)
    paid = [(power + 1) * p**power for power in RISES]
    paid += [(power + 1) * (1 - p) ** power for power in RISES]
    paid += [(2 * power + 1) * away ** (2 * power) for power in ENDS]
    paid += [(power + 1) * (1 - away) ** power for power in ENDS]
    few = [(FEW_RISE + 1) * end**FEW_RISE for end in (p, 1 - p)]
    return np.stack(
        [KEPT + (1 - KEPT) * part for part in paid] + [FEW_KEPT + (1 - FEW_KEPT) * part for part in few], axis=-1
    )


@dataclass
class Ranks:
    """Who came before: for each statistic, how many pictures up to each bin. upto: float64[..., statistics, bins]."""

    upto: Array

    @classmethod
    def of_counts(cls, counts: Counts) -> "Ranks":
        """counts: int64[..., statistics, bins] of the reference; 0 everywhere where there is none."""
        return cls(np.cumsum(counts, axis=-1).astype(np.float64))

    @property
    def counts(self) -> Counts:
        return np.rint(np.diff(self.upto, axis=-1, prepend=0)).astype(np.int64)

    def p_values(self, bins: Counts, chance: Array) -> Array:
        """The pictures' p-values, float64[..., statistics]; they join those who came before.

        bins: int64[..., statistics], or ABSENT. chance: uniform in [0, 1). The p-value of an absent one means nothing.
        """
        at = np.maximum(bins, 0)[..., None]
        with_ties = np.take_along_axis(self.upto, at, axis=-1)[..., 0]
        below = np.take_along_axis(self.upto, np.maximum(at - 1, 0), axis=-1)[..., 0] * (bins > 0)
        p = (below + chance * (with_ties - below + 1)) / (self.upto[..., -1] + 1)
        self.upto += (np.arange(self.upto.shape[-1]) >= at) & (bins[..., None] != ABSENT)
        return p


@dataclass
class Evidence:
    """What the bets have won. sums: float64[..., statistics, BETS], the Shiryaev-Roberts sums. best: the same of the
    best start alone (CUSUM), whose place is `since`: int64[..., statistics, BETS], as the caller counts places."""

    sums: Array
    best: Array
    since: Counts

    @classmethod
    def none(cls, shape: Sequence[int], place: int = 0) -> "Evidence":
        """shape: (..., statistics)."""
        whole = (*shape, BETS)
        return cls(np.zeros(whole), np.ones(whole), np.full(whole, place, np.int64))

    def take(self, p: Array, present: Alarms, place: int) -> None:
        """The p-values of one picture, float64[..., statistics]; where not present, nothing is bet. place: where the
        picture stands."""
        paid = bets(p)
        there = present[..., None]
        self.since = np.where(there & (self.best <= 1), place, self.since)
        self.best = np.where(there, np.minimum(np.maximum(self.best, 1) * paid, MOST), self.best)
        self.sums = np.where(there, np.minimum((1 + self.sums) * paid, MOST), self.sums)

    @property
    def of_statistics(self) -> Array:
        """float64[..., statistics]: the mean over the bets, divided by the number of statistics."""
        return self.sums.mean(axis=-1) / self.sums.shape[-2]

    @property
    def alarmed(self) -> Alarms:
        """bool[..., statistics]: which have moved. Those are to `forget`."""
        return self.of_statistics >= PICTURES_PER_FALSE_ALARM

    def since_when(self, statistic: int) -> int:
        """Of one watch alone: the place from which the statistic's best bet has won."""
        return int(self.since[statistic, self.sums[statistic].argmax()])

    def forget(self, where: Alarms) -> None:
        """Start anew after an alarm. where: bool[..., statistics]."""
        self.sums[where] = 0
        self.best[where] = 1
