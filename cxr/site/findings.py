"""What patients that nothing was chosen by say of the cut-offs and the threshold: counts with exact intervals."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cxr.evaluation.intervals import share_interval


@dataclass(frozen=True)
class Share:
    """count of trials."""

    count: int
    trials: int

    @property
    def value(self) -> float | None:
        return self.count / self.trials if self.trials else None

    def interval(self, confidence: float) -> tuple[float, float]:
        """Clopper and Pearson's; 0 to 1 of no trial."""
        return share_interval(self.count, self.trials, confidence, "exact") if self.trials else (0.0, 1.0)

    def surely_above(self, limit: float, confidence: float) -> bool:
        """Whether the whole one-sided interval of this confidence is above the limit."""
        from scipy.stats import binom

        return bool(self.trials and binom.sf(self.count - 1, self.trials, limit) <= 1 - confidence)


@dataclass(frozen=True)
class Findings:
    """Of the certify patients, one picture each. chance: how probable ranks as good as these are where scores say
    nothing, 0 to 1. missed_among_unlikely, false_among_likely: of those called so. uncertain: of all. sensitivity,
    specificity: at the threshold; of no trial where there is none."""

    positives: int
    negatives: int
    chance: float
    missed_among_unlikely: Share
    false_among_likely: Share
    uncertain: Share
    sensitivity: Share
    specificity: Share
    confidence: float


def findings_of(
    y_true: npt.ArrayLike,
    p_covid: npt.ArrayLike,
    cuts: tuple[float, float],
    threshold: float | None,
    confidence: float,
) -> Findings:
    """y_true: (n,) 0 or 1. p_covid: (n,) in [0, 1]. cuts: as `CertifiedTriage.cuts` gives them."""
    y = np.asarray(y_true, bool)
    p = np.asarray(p_covid, float)
    unlikely = p < cuts[0]
    likely = ~unlikely & (p >= cuts[1])
    answered = np.full(len(y), threshold is not None)
    called = np.zeros(len(y), bool) if threshold is None else p >= threshold
    return Findings(
        positives=int(y.sum()),
        negatives=int((~y).sum()),
        chance=chance_of(y, p),
        missed_among_unlikely=_share(y, unlikely),
        false_among_likely=_share(~y, likely),
        uncertain=_share(~unlikely & ~likely, np.ones(len(y), bool)),
        sensitivity=_share(called, y & answered),
        specificity=_share(~called, ~y & answered),
        confidence=confidence,
    )


def chance_of(y: npt.NDArray[np.bool_], p: npt.NDArray[np.float64]) -> float:
    """The p-value of the one-sided test of Mann and Whitney (1947): do positives rank higher? 1 without both labels.

    Its null hypothesis is what it means that a model does not work: labels that might as well be shuffled.
    """
    from scipy.stats import mannwhitneyu

    if y.all() or not y.any():
        return 1.0
    return float(mannwhitneyu(p[y], p[~y], alternative="greater").pvalue)


def _share(counted: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_]) -> Share:
    return Share(int((counted & among).sum()), int(among.sum()))
