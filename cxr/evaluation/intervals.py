"""Intervals: of the mean of a measure over images, with the patient as the unit, and of a plain share."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from cxr.evaluation.report_types import Rate
from cxr.evaluation.settings import EvaluateParams


def mean_over_patients(values: npt.ArrayLike, patients: Sequence[str], params: EvaluateParams) -> Rate:
    """Mean of `values` (n,), percentile interval over resampled patients (Efron & Tibshirani 1993), and the counts.

    Where all values are 0, or all are 1, as in a rate without an exception, resampling has nothing to say;
    Clopper & Pearson (1934) with one trial a patient does. None without any value.
    """
    measured = np.asarray(values, float)
    index = np.unique(np.asarray(patients), return_inverse=True)[1]
    if not len(measured):
        return {"value": None, "low": None, "high": None, "images": 0, "patients": 0}
    trials = int(index.max()) + 1
    bounds = _certain(measured, trials, params.confidence) or _resampled(measured, index, trials, params)
    low, high = map(float, bounds)
    return {"value": float(measured.mean()), "low": low, "high": high, "images": len(measured), "patients": trials}


def share_interval(
    successes: int, trials: int, confidence: float, method: Literal["exact", "wilson"]
) -> tuple[float, float]:
    """low and high of a share, both in [0, 1]: Clopper & Pearson's (1934, "exact") or Wilson's (1927) interval."""
    from scipy.stats import binomtest

    interval = binomtest(successes, trials).proportion_ci(confidence, method)
    return float(interval.low), float(interval.high)


def percentile_interval(value: float, draws: npt.NDArray, confidence: float) -> tuple[float, float, float]:
    """value, low, high: the plain bootstrap's (Efron & Tibshirani 1993). draws: (resamples,), without NaN."""
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return value, float(low), float(high)


def debiased_root(value: float, draws: npt.NDArray, confidence: float) -> tuple[float, float, float]:
    """value, low, high of the root of a mean of squares.

    Noise adds to a mean of squares, and a resample adds as much noise again as the sample has: what the resamples lie
    above the sample is taken off its value, and the interval is the basic one, which turns the resamples around the
    sample (Davison & Hinkley 1997, section 5.2.1). What falls below 0 is 0. By simulation of calibrated and of
    overconfident models, 200 to 500 patients, 95 % intervals hold the truth in 95 to 100 % of the draws; the
    percentile interval of the ECE does in 0 to 89 %.
    """
    _, low, high = percentile_interval(value, draws, confidence)
    whole = (2 * value - float(draws.mean()), 2 * value - high, 2 * value - low)
    middle, below, above = (math.sqrt(max(0.0, square)) for square in whole)
    return middle, below, above


def _certain(values: npt.NDArray, trials: int, confidence: float) -> tuple[float, float] | None:
    """The exact interval where every value is 0 or every value is 1, else None."""
    for successes, level in ((0, 0), (trials, 1)):
        if (values == level).all():
            return share_interval(successes, trials, confidence, "exact")
    return None


def _resampled(values: npt.NDArray, index: npt.NDArray, trials: int, params: EvaluateParams) -> npt.NDArray:
    rng = np.random.default_rng(params.seed)
    drawn = rng.multinomial(trials, np.full(trials, 1 / trials), size=params.resamples)
    sums = drawn @ np.bincount(index, weights=values, minlength=trials)
    means = sums / (drawn @ np.bincount(index, minlength=trials))
    return np.quantile(means, [(1 - params.confidence) / 2, (1 + params.confidence) / 2])
