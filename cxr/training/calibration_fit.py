"""What is fitted to the validation patients: shift and temperature of the log odds, and the operating threshold."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cxr.inference.calibration import Array, margins_of, sigmoid

# A temperature outside says that the validation set is too small or too odd to say anything.
TEMPERATURE_BOUNDS = (0.05, 20.0)
_TOLERANCE = 1e-14  # of a root; scipy asks for at least four times the spacing of doubles, relative to it
_RELATIVE_TOLERANCE = 4 * float(np.finfo(float).eps)


def fit_calibration(y_true: npt.ArrayLike, logits: npt.ArrayLike) -> tuple[float, float]:
    """The shift c and the temperature T > 0 that minimise the negative log-likelihood of sigmoid((margin + c) / T).

    Platt (1999) in the words of Guo et al. (2017). The temperature corrects how sure the logits are. The shift corrects
    for which mix of labels they were trained: a training that weighs labels and sources alike answers for an even one.
    y_true: (n,) 0 or 1. logits: (n, 2) in the order of CLASSES, or their margins (n,), COVID minus the other.
    Each label counts as (k + 1) / (k + 2) sure, k being the images of that class (Platt 1999), so that separable
    answers do not sharpen without end. T is kept within TEMPERATURE_BOUNDS. Raises ValueError on an empty or not
    finite input.
    """
    margins = margins_of(logits)
    y = np.asarray(y_true, float)
    if y.shape != margins.shape or not len(y) or not np.isfinite(margins).all():
        raise ValueError(f"y_true {y.shape} and logits {margins.shape} must be equally long, not empty, and finite")
    targets = _platt_targets(y)
    low = 1 / TEMPERATURE_BOUNDS[1]
    high = 1 / TEMPERATURE_BOUNDS[0]

    def likeliest(slope: float) -> float:
        """Of sigmoid(slope * margin + d), the d at which probabilities and targets have one mean."""
        reach = slope * float(np.abs(margins).max()) + 40
        return _root(lambda d: float(np.sum(sigmoid(slope * margins + d) - targets)), -reach, reach)

    # The likelihood is concave in slope and d, and so it is in the slope alone with the likeliest d for each.
    slope = _root(lambda a: float(margins @ (sigmoid(a * margins + likeliest(a)) - targets)), low, high)
    return likeliest(slope) / slope, 1 / slope


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function crosses 0, by Brent's (1973) method; the nearer end where it does not."""
    from scipy.optimize import brentq

    if rising(low) >= 0:
        return low
    if rising(high) <= 0:
        return high
    return float(brentq(rising, low, high, xtol=_TOLERANCE, rtol=_RELATIVE_TOLERANCE))


def operating_threshold(y_true: npt.ArrayLike, p_covid: npt.ArrayLike, sensitivity: float) -> float:
    """The highest threshold at which at least `sensitivity` of the COVID images have p_covid >= threshold.

    y_true: (n,) 0 or 1. p_covid: (n,) in [0, 1]. sensitivity: in (0, 1]. Raises ValueError without COVID images.
    """
    positives = np.sort(np.asarray(p_covid, float)[np.asarray(y_true) == 1])[::-1]
    if not 0 < sensitivity <= 1:
        raise ValueError(f"sensitivity is {sensitivity}; it must lie above 0 and not above 1")
    if not len(positives):
        raise ValueError("no COVID image among the validation patients; a threshold for a sensitivity needs some")
    if np.isnan(positives).any():
        raise ValueError("p_covid holds NaN; no threshold can be chosen")
    needed = math.ceil(sensitivity * len(positives) - 1e-9)  # 0.9 * 10 is 9, not 9.000000000000002
    return float(positives[needed - 1])


def _platt_targets(y: Array) -> Array:
    covid = y.sum()
    other = len(y) - covid
    return np.where(y == 1, (covid + 1) / (covid + 2), 1 / (other + 2))
