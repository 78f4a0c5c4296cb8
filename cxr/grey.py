"""Any range of grey values to 0..255, and the limits that every decoder keeps."""

import numpy as np

from cxr.errors import ImageError

# The depths that X-ray detectors and their converters use; a 16-bit file hardly ever fills its 16 bits.
DETECTOR_BITS = (8, 10, 12, 14, 16)
CHUNK_PIXELS = 1 << 20  # a table look-up casts its indices to 8 bytes each: only ever for this many at once


def check_pixel_count(width: int, height: int, max_pixels: int) -> None:
    """Refuse by the size that the header claims, before anything of that size exists. Raises ImageError."""
    if width < 1 or height < 1:
        raise ImageError("corrupt", f"the picture claims {width} x {height} pixels; export it again")
    if width * height > max_pixels:
        raise ImageError(
            "too_many_pixels",
            f"the picture claims {width} x {height} pixels, at most {max_pixels} are read; "
            "send it with a smaller width and height",
        )


def grey_from_16_bit(values: np.ndarray) -> np.ndarray:
    """uint16[h, w] to uint8[h, w]: 0 stays black, white is the top of the smallest detector depth that fits.

    The depth is the first of DETECTOR_BITS that holds the brightest pixel. So a 12-bit radiograph in a 16-bit
    file keeps its contrast (the full 16-bit range would make it almost black), an 8-bit picture saved with 16
    bits comes back as it was, and, unlike with min-max, black stays black whatever the darkest pixel is.
    """
    brightest = int(values.max())
    white = next((1 << bits) - 1 for bits in DETECTOR_BITS if brightest < 1 << bits)
    table = np.rint(np.arange(1 << 16) * (255 / white)).clip(0, 255).astype(np.uint8)
    return look_up(table, values)


def grey_from_any_range(values: np.ndarray) -> np.ndarray:
    """Numbers without a natural black and white (signed, 32-bit, float) [h, w] to uint8[h, w] by min-max.

    Infinities and NaN become black; a picture of one value becomes black.
    """
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(values.shape, np.uint8)
    low, high = float(values[finite].min()), float(values[finite].max())
    scaled = (np.where(finite, values, low) - low) * np.float64(255 / (high - low) if high > low else 0)
    return np.rint(scaled).astype(np.uint8)


def look_up(table: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """table[indices] for an unsigned [h, w], in bands of rows so that memory stays near the result's size."""
    height, width = indices.shape
    result = np.empty(indices.shape, table.dtype)
    rows = max(1, CHUNK_PIXELS // width)
    for top in range(0, height, rows):
        np.take(table, indices[top : top + rows], out=result[top : top + rows], mode="clip")
    return result
