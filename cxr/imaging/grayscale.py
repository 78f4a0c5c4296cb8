"""Any range of grey values to 0..255."""

from collections.abc import Iterator

import numpy as np

from cxr.imaging.sample_depth import robust_limits, white_level

BAND_PIXELS = 1 << 19  # worked on at once, since intermediate results take up to 8 bytes a pixel


def grey_from_16_bit(values: np.ndarray) -> np.ndarray:
    """uint16[h, w] to uint8[h, w]: 0 stays black, white is the top of the smallest detector depth that fits.

    The depth is the first of DETECTOR_BITS that holds all pixels but a few bright ones. So a 12-bit radiograph in a
    16-bit file keeps its contrast (the full 16-bit range would make it almost black), an 8-bit picture saved with 16
    bits comes back as it was, and, unlike with min-max, black stays black whatever the darkest pixel is.
    """
    white = white_level(values)
    table = np.rint(np.arange(1 << 16) * (255 / white)).clip(0, 255).astype(np.uint8)
    return look_up(table, values)


def grey_from_any_range(values: np.ndarray) -> np.ndarray:
    """Numbers without a natural black and white (signed, 32-bit, float) [h, w] to uint8[h, w] by min-max.

    Numbers far from all others do not count: they become black or white. NaN and the infinities become black; a
    picture of one value becomes black.
    """
    limits = robust_limits(values)
    extremes = [min_max_within(values[band], limits) for band in bands(values.shape)]
    low = min(extreme[0] for extreme in extremes)
    high = max(extreme[1] for extreme in extremes)
    result = np.zeros(values.shape, np.uint8)
    if high > low:
        for band in bands(values.shape):
            part = np.where(np.isfinite(values[band]), values[band], low).astype(np.float64)
            result[band] = np.rint(((part - low) / (high - low)).clip(0, 1) * 255)
    return result


def min_max_within(values: np.ndarray, limits: tuple[float, float]) -> tuple[float, float]:
    """The least and the largest finite value within `limits`; (inf, -inf) where there is none."""
    counted = values[np.isfinite(values) & (values >= limits[0]) & (values <= limits[1])]
    return (float(counted.min()), float(counted.max())) if counted.size else (float("inf"), float("-inf"))


def look_up(table: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """table[indices] for an unsigned [h, w] that stays within the table."""
    result = np.empty(indices.shape, table.dtype)
    for band in bands(indices.shape):
        result[band] = table[indices[band]]
    return result


def bands(shape: tuple[int, ...]) -> Iterator[slice]:
    """Slices of rows that together cover [h, w], each of about BAND_PIXELS pixels."""
    height, width = shape
    rows = max(1, BAND_PIXELS // width)
    return (slice(top, top + rows) for top in range(0, height, rows))
