"""Windows of a picture, and what of them is compared: its local contrast.

A picture is held as uint8 or float32[GRID, GRID], both sides stretched to the same length as in the pixel store, beside
its extent: float[2], height and width in units of its shorter side. Places and sizes are in these units, from the
middle of the picture, so that a square window shows a square of the original.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import uniform_filter

Floats = npt.NDArray[np.floating]
GRID = 96
_LONGEST = 2.0  # extents beyond are cut off: no chest is longer, and a window must not become a strip
_CLIPPED = 2.5  # of local contrast: a burnt-in letter counts no more than an edge of a bone
_FAINT = 0.1  # of a window's own contrast: what is fainter is noise, and stays faint


def small(picture: np.ndarray) -> np.ndarray:
    """uint8[size, size] to uint8[GRID, GRID]."""
    resized = Image.fromarray(picture).resize((GRID, GRID), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def extents(widths: npt.ArrayLike, heights: npt.ArrayLike) -> Floats:
    """float64[n, 2]: height and width of each picture in units of its shorter side, 1 to 2."""
    sides = np.stack([np.asarray(heights, np.float64), np.asarray(widths, np.float64)], axis=-1)
    return np.minimum(sides / sides.min(axis=-1, keepdims=True), _LONGEST)


def weights(centres: Floats, spacing: npt.ArrayLike) -> Floats:
    """float32[..., n, GRID]: the share of each of a side's GRID pixels in a sample at each of `centres`.

    centres: (..., n), as shares of the side, 0 to 1. spacing: (...) between two samples; what lies between them is
    averaged. A sample outside the picture has only zeros.
    """
    places = (np.arange(GRID, dtype=np.float32) + 0.5) / GRID
    reach = np.maximum(np.asarray(spacing, np.float32), 1 / GRID)[..., None, None]
    found = np.maximum(1 - np.abs(centres[..., None].astype(np.float32) - places) / reach, 0)
    inside = ((centres >= 0) & (centres <= 1))[..., None]
    return np.where(inside, found / np.maximum(found.sum(axis=-1, keepdims=True), 1e-6), 0).astype(np.float32)


def local_contrast(windows: Floats, reach: int) -> Floats:
    """float32[..., n, n]: each pixel against its neighbours, up to `reach` pixels away, in units of their spread.

    What a monotone change of grey levels does is almost gone from it: close by, such a change is a straight line.
    """
    size = 2 * reach + 1
    axes = (windows.ndim - 2, windows.ndim - 1)
    detail = windows - uniform_filter(windows, size, mode="nearest", axes=axes)
    spread = np.sqrt(np.maximum(uniform_filter(detail**2, size, mode="nearest", axes=axes), 0))
    overall = np.sqrt((detail**2).mean(axis=axes, keepdims=True))
    contrast: Floats = np.clip(detail / (spread + _FAINT * overall + 1e-3), -_CLIPPED, _CLIPPED)
    return contrast
