"""JPEG, PNG, WebP, BMP and TIFF to 8-bit grey, through Pillow."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, UnidentifiedImageError

from cxr.errors import ImageError
from cxr.grey import check_pixel_count, grey_from_16_bit, grey_from_any_range

ORIENTATION_TAG = 0x0112
# EXIF orientation to what undoes it; 1 is upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
TURNED = (5, 6, 7, 8)  # orientations that swap width and height

# What Pillow raises on malformed bytes, as the fuzz target found it out.
PILLOW_FAULTS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
)


def decode_raster(data: bytes, kind: str, max_pixels: int) -> np.ndarray:
    """One of Pillow's formats to uint8[h, w], upright. Raises ImageError."""
    try:
        with _open(data, kind, max_pixels) as image:
            image.draft("L", None)  # a JPEG's brightness channel, without making colours first
            image.load()
            return _grey(_upright(image, _orientation(image)))
    except PILLOW_FAULTS as fault:
        raise ImageError("corrupt", _corrupt(kind)) from fault


def raster_size(data: bytes, kind: str, max_pixels: int) -> tuple[int, int]:
    """(width, height) as `decode_raster` would return them, from the header alone. Raises ImageError."""
    try:
        with _open(data, kind, max_pixels) as image:
            width, height = image.size
            return (height, width) if _orientation(image) in TURNED else (width, height)
    except PILLOW_FAULTS as fault:
        raise ImageError("corrupt", _corrupt(kind)) from fault


def _open(data: bytes, kind: str, max_pixels: int) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=[kind])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(
            "too_many_pixels",
            f"the picture claims far more than the {max_pixels} pixels that are read; "
            "send it with a smaller width and height",
        ) from None
    except UnidentifiedImageError:
        raise ImageError("corrupt", _corrupt(kind)) from None
    check_pixel_count(*image.size, max_pixels)
    return image


def _corrupt(kind: str) -> str:
    return f"the {kind} picture is damaged or cut off and can not be read to its end; send the original file again"


def _orientation(image: Image.Image) -> int:
    return image.getexif().get(ORIENTATION_TAG, 1)


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def _grey(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I;16"):
        return grey_from_16_bit(np.asarray(image))
    if image.mode in ("I", "F"):
        return grey_from_any_range(np.asarray(image))
    if image.has_transparency_data:
        image = _on_black(image)
    return np.asarray(image if image.mode == "L" else image.convert("L"))


def _on_black(image: Image.Image) -> Image.Image:
    """Transparent places become black, as the unexposed part of a film is."""
    rgba = image.convert("RGBA")
    background = Image.new("L", image.size, 0)
    background.paste(rgba.convert("L"), mask=rgba.getchannel("A"))
    return background
