"""The arithmetic of weighted metrics, many weightings at once: it makes a bootstrap of 2,000 resamples cheap.

A resample is a row of weights: how often each image was drawn. Every function takes `weights` (b, n), one row
per resample, and gives (b,) values; NaN where a value is undefined (no positives, nothing called positive, …).
Shared arguments: y_true (n,) 0 or 1; p_covid (n,) in [0, 1]; an image is called COVID when p_covid >= threshold.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

ECE_BINS = 15  # Guo et al. 2017


def confusion_counts(y: npt.NDArray, p: Array, threshold: float, weights: Array) -> tuple[Array, Array, Array, Array]:
    """True positives, false positives, false negatives, true negatives."""
    y = np.asarray(y, bool)
    called = p >= threshold
    cells = np.stack([y & called, ~y & called, y & ~called, ~y & ~called], axis=1).astype(float)  # (n, 4)
    tp, fp, fn, tn = (weights @ cells).T
    return tp, fp, fn, tn


def positive_predictive_value(sensitivity: Array, specificity: Array, prevalence: float) -> Array:
    """P(COVID | called COVID) by Bayes. NaN when nobody would be called COVID."""
    true_calls = sensitivity * prevalence
    return ratio(true_calls, true_calls + (1 - specificity) * (1 - prevalence))


def negative_predictive_value(sensitivity: Array, specificity: Array, prevalence: float) -> Array:
    """P(not COVID | called not COVID) by Bayes. NaN when everybody would be called COVID."""
    true_calls = specificity * (1 - prevalence)
    return ratio(true_calls, true_calls + (1 - sensitivity) * prevalence)


def auc(y: npt.NDArray, p: Array, weights: Array) -> Array:
    """P(a COVID image scores above another), ties count half (Hanley & McNeil 1982)."""
    positive, negative = _by_score(y, p, weights)
    below = np.cumsum(negative, axis=1) - negative
    wins = (positive * (below + negative / 2)).sum(axis=1)
    return ratio(wins, positive.sum(axis=1) * negative.sum(axis=1))


def balanced_auc(y: npt.NDArray, p: Array, groups: npt.NDArray[np.intp], weights: Array) -> Array:
    """`auc` with every group of a class weighing the same: the mean, over all pairs of a COVID group and another
    group, of the AUC between the two.

    groups: (n,) from 0, each of one label, such as a source's images of that label. A group that a resample misses
    takes no part in it.
    """
    sums = weights @ np.eye(int(groups.max()) + 1)[groups]  # (b, groups)
    return auc(y, p, weights * np.nan_to_num(ratio(np.ones_like(sums), sums))[:, groups])


def average_precision(y: npt.NDArray, p: Array, weights: Array) -> Array:
    """Precision averaged over the steps of recall, without interpolation. NaN without a COVID image."""
    positive, negative = (of_class[:, ::-1] for of_class in _by_score(y, p, weights))
    tp = np.cumsum(positive, axis=1)
    fp = np.cumsum(negative, axis=1)
    precision = np.nan_to_num(ratio(tp, tp + fp))  # nothing called yet: the step of recall is 0 as well
    return ratio((positive * precision).sum(axis=1), tp[:, -1])


def expected_calibration_error(y: npt.NDArray, p: Array, weights: Array, bins: int = ECE_BINS) -> Array:
    """Mean gap between confidence and accuracy, weighted by bin size (Guo et al. 2017).

    Confidence is the probability of the likelier class, so two classes fill only the bins above 0.5.
    """
    gaps, _ = _calibration_gaps(y, p, weights, bins)
    return ratio(np.abs(gaps).sum(axis=1), weights.sum(axis=1))


def squared_calibration_error(y: npt.NDArray, p: Array, weights: Array, bins: int = ECE_BINS) -> Array:
    """Mean squared gap between confidence and accuracy, weighted by bin size, over the bins of the ECE.

    A mean of squares: the noise of each bin's gap adds its variance, which can be taken off (Kumar, Liang & Ma 2019).
    """
    gaps, sizes = _calibration_gaps(y, p, weights, bins)
    return ratio(np.nan_to_num(ratio(gaps**2, sizes)).sum(axis=1), weights.sum(axis=1))


def _calibration_gaps(y: npt.NDArray, p: Array, weights: Array, bins: int) -> tuple[Array, Array]:
    """By bin of confidence: the sum of correct less confidence, and the weight of its images; each (b, bins)."""
    confidence = np.maximum(p, 1 - p)
    correct = (p >= 0.5) == np.asarray(y, bool)
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)  # (a, b], as in the paper
    member = np.eye(bins)[bin_of]
    return weights @ (member * (correct - confidence)[:, None]), weights @ member


def ratio(part: Array, whole: Array) -> Array:
    """part / whole, NaN where whole is 0."""
    part, whole = np.broadcast_arrays(np.asarray(part, float), np.asarray(whole, float))
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole != 0)


def _by_score(y: npt.NDArray, p: Array, weights: Array) -> tuple[Array, Array]:
    """Weight of COVID and of other images at each distinct score, ascending; each (b, distinct scores)."""
    order = np.argsort(p, kind="stable")
    starts = np.flatnonzero(np.diff(p[order], prepend=-np.inf))
    in_order = weights[:, order]
    positive = np.asarray(y, bool)[order]
    return (
        np.add.reduceat(in_order * positive, starts, axis=1),
        np.add.reduceat(in_order * ~positive, starts, axis=1),
    )
