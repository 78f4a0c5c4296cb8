"""How many of a word's bits a picture uses, so that a few bright pixels do not set the scale for all others.

A hot pixel, a burnt-in label or a lead marker may hold the largest number of the word, whatever the detector's depth
is. So up to OUTLIER_SHARE of the pixels may lie above white, as they may in a vendor's window.
"""

import numpy as np

# The depths that X-ray detectors and their converters use; a 16-bit file hardly ever fills its 16 bits.
DETECTOR_BITS = (8, 10, 12, 14, 16)
OUTLIER_SHARE = 0.02  # of all pixels: a label of 50 x 30 on a thumbnail of 360 x 320 has 1.3 %
# How far a value may lie beyond the middle 96 % of all values, as a share of their spread, and still set the scale.
REACH = 0.5
SAMPLE_PIXELS = 1 << 17  # are looked at for quantiles; sorting all of them would take longer than decoding


def white_level(values: np.ndarray) -> int:
    """The top of the smallest detector depth that at most OUTLIER_SHARE of the values, uint16[h, w], exceed."""
    allowed = int(values.size * OUTLIER_SHARE)
    tops = [(1 << bits) - 1 for bits in DETECTOR_BITS]
    return next(top for top in tops if np.count_nonzero(values > top) <= allowed)


def depth_top(largest: int) -> int:
    """The largest number of the smallest detector depth that holds `largest`, 0 to 65535."""
    return next((1 << bits) - 1 for bits in DETECTOR_BITS if largest < 1 << bits)


def robust_limits(values: np.ndarray) -> tuple[float, float]:
    """The least and the largest finite number of [h, w] that may set the scale; (inf, -inf) where none is finite."""
    step = max(1, values.size // SAMPLE_PIXELS)
    sample = values.reshape(-1)[::step]
    sample = sample[np.isfinite(sample)].astype(np.float64)
    if not sample.size:
        return float("inf"), float("-inf")
    low, high = np.quantile(sample, (OUTLIER_SHARE, 1 - OUTLIER_SHARE))
    return _reach(float(low), float(high))


def robust_limits_of_counts(values: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """As `robust_limits`, for a table: each number of `values`, float64[k], occurs `counts`, int64[k], times."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(counts[order])
    if not reached[-1]:
        return float("inf"), float("-inf")
    last = reached[-1] - 1
    places = (np.floor(OUTLIER_SHARE * last), np.ceil((1 - OUTLIER_SHARE) * last))
    low, high = np.searchsorted(reached, places, side="right")
    return _reach(float(values[order[low]]), float(values[order[high]]))


def _reach(low: float, high: float) -> tuple[float, float]:
    """All numbers, where the middle ones are all the same: then the others are the picture."""
    if high <= low:
        return float("-inf"), float("inf")
    return low - REACH * (high - low), high + REACH * (high - low)
