"""JPEG, PNG, WebP, BMP and TIFF to 8-bit grey, through Pillow."""

import struct
import zlib

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from cxr.common.errors import ImageError
from cxr.imaging.grayscale import grey_from_16_bit, grey_from_any_range
from cxr.imaging.limits import MeteredBytes, check_pixel_count

EXIF_ORIENTATION = 0x0112
# Orientation to what undoes it; 1 is upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
TO_LUMA = ("1", "P", "RGB", "RGBX", "CMYK", "YCbCr", "RGBA", "LA", "PA")
TIFF_PHOTOMETRIC = 262
TIFF_WHITE_IS_ZERO = 0
# By Pillow's names. Fax codes and the exotic ones are left out: no radiograph has them, and each is more C code.
TIFF_COMPRESSIONS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "jpeg")
# A TIFF lists where its strips are, and Pillow makes a Python object of each: this allows 131,072 of them.
MAX_READ_BYTES = {"TIFF": 1 << 19}
# A scan of a JPEG visits every pixel again: without a limit a few kilobytes keep a core busy for minutes. This
# many visits take about a second; an encoder makes 10 scans.
MAX_SCAN_PIXELS = 1_000_000_000
START_OF_SCAN = b"\xff\xda"

# What Pillow raises on malformed bytes. The fuzz target meets the first four; the others are raised by the parts of
# Pillow that read a TIFF's tags or unpack a PNG's text, or where a machine has no memory left.
PILLOW_FAULTS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
)


def decode_raster(data: bytes, kind: str, max_pixels: int) -> np.ndarray:
    """One of Pillow's formats, by Pillow's name, to uint8[h, w], upright. Raises ImageError."""
    try:
        with _open(data, kind, max_pixels) as image:
            image.draft("L", None)  # a JPEG's brightness channel, without making colours first
            image.load()
            return _grey(_upright(image))
    except PILLOW_FAULTS:
        raise _corrupt(kind) from None  # a chained fault may quote the file in a traceback


def check_scans(jpeg: bytes, width: int, height: int) -> None:
    """Refuse a JPEG that would take seconds to decode. Raises ImageError."""
    scans = jpeg.count(START_OF_SCAN)
    if scans * width * height > MAX_SCAN_PIXELS:
        raise ImageError(
            "unsupported",
            f"the JPEG picture has {scans} passes over {width} x {height} pixels, too many to read; "
            "save it as a baseline JPEG",
        )


def _open(data: bytes, kind: str, max_pixels: int) -> Image.Image:
    try:
        image = Image.open(MeteredBytes(data, MAX_READ_BYTES.get(kind)), formats=[kind])
    except Image.DecompressionBombError:  # Pillow's own limit, should ours be higher or a header be read twice
        raise ImageError(
            "too_many_pixels", f"the picture claims far more than {max_pixels} pixels; send a smaller one"
        ) from None
    except UnidentifiedImageError:
        raise _corrupt(kind) from None
    check_pixel_count(*image.size, max_pixels)
    if kind == "JPEG":
        check_scans(data, *image.size)
    if kind == "TIFF" and image.info.get("compression") not in TIFF_COMPRESSIONS:
        raise ImageError("unsupported", "the TIFF picture's compression is not read; save it with LZW, Deflate or none")
    return image


def _corrupt(kind: str) -> ImageError:
    return ImageError(
        "corrupt",
        f"the {kind} picture is damaged, cut off or of a rare kind, and can not be read to its end; "
        "send the original file again, or save it as PNG",
    )


def _orientation(image: Image.Image) -> int:
    """1 to 8; 1 (upright) where the file does not say, or says it in a block that can not be read."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return 1  # Pillow turns a TIFF by itself
    try:
        return image.getexif().get(EXIF_ORIENTATION, 1)
    except PILLOW_FAULTS:
        return 1


def _upright(image: Image.Image) -> Image.Image:
    turn = UPRIGHT.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _grey(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I;16"):
        return _polarity(image, grey_from_16_bit(np.asarray(image)))
    if image.mode in ("I", "F"):
        return _polarity(image, grey_from_any_range(np.asarray(image)))
    if image.mode != "L" and image.mode not in TO_LUMA:
        raise ImageError("unsupported", f"the picture's colours are of kind {image.mode}; save it as grey or RGB")
    if image.has_transparency_data:
        return np.asarray(_on_black(image))
    return np.asarray(image if image.mode == "L" else image.convert("L"))


def _polarity(image: Image.Image, grey: np.ndarray) -> np.ndarray:
    """Pillow inverts a TIFF whose 0 is white only up to 8 bits."""
    tags = getattr(image, "tag_v2", {})
    return 255 - grey if tags.get(TIFF_PHOTOMETRIC) == TIFF_WHITE_IS_ZERO else grey


def _on_black(image: Image.Image) -> Image.Image:
    """Transparent places become black, as the unexposed part of a film is."""
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    background = Image.new("L", image.size, 0)
    background.paste(rgba.convert("L"), mask=rgba.getchannel("A"))
    return background
