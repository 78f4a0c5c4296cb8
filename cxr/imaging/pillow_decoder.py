"""JPEG, PNG, WebP, BMP and TIFF to 8-bit grey, through Pillow."""

import struct
import zlib

import numpy as np
from PIL import Image, ImageFile, TiffImagePlugin, UnidentifiedImageError

from cxr.common.errors import ImageError
from cxr.imaging.grayscale import grey_from_16_bit, grey_from_any_range
from cxr.imaging.limits import MeteredBytes, check_pixel_count
from cxr.imaging.mending import decode_without_end, has_no_end, without_bad_metadata
from cxr.imaging.tiff_pages import (
    BIG_TIFF_BIG_ENDIAN,
    START_OF_SCAN,
    as_plain_tiff,
    jpeg_visits,
    learn_kinds,
    seek_largest_page,
)
from cxr.imaging.wide_samples import is_wide, read_wide

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
TIFF_SAMPLE_FORMAT = 339
TIFF_UNSIGNED = 1
TIFF_BITS = 258
TIFF_PLANES = (284, 2)  # the tag, and its value for a plane of each colour
TIFF_SIGNED = 2
# By Pillow's names. Fax codes and the exotic ones are left out: no radiograph has them, and each is more C code.
TIFF_COMPRESSIONS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "jpeg")
# A TIFF lists where its strips are, and Pillow makes a Python object of each: this allows 131,072 of them.
MAX_READ_BYTES = {"TIFF": 1 << 19}
# A scan of a JPEG visits every pixel again: without a limit a few kilobytes keep a core busy for minutes. This
# many visits take about a second; an encoder makes 10 scans.
MAX_SCAN_PIXELS = 1_000_000_000
# At the peak, as measured with pictures of 30 million pixels; PNG and TIFF with 16 bits a colour.
BYTES_PER_PIXEL = {"JPEG": 8, "PNG": 13, "WEBP": 16, "BMP": 8, "TIFF": 13}
# A larger JPEG, as phones make them, is decoded at a half, a quarter or an eighth of its sides, by libjpeg's own
# smaller transforms: at least 3,000 pixels a side are left of 48 million, ten times what a model takes.
FULL_JPEG_PIXELS = 30_000_000

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
        return _decode(_tidied(data, kind), kind, max_pixels)
    except PILLOW_FAULTS:
        raise _corrupt(kind) from None  # a chained fault may quote the file in a traceback


def _decode(data: bytes, kind: str, max_pixels: int) -> np.ndarray:
    def open_again() -> ImageFile.ImageFile:
        return _open(data, kind, max_pixels)

    with open_again() as image:
        if is_wide(image):
            return _wide_grey(image, *read_wide(open_again))
        image.draft("L", _draft_size(*image.size))  # a JPEG's brightness channel, without making colours first
        if kind == "JPEG" and has_no_end(data):
            return _mended(image, data, max_pixels)
        image.load()
        return _grey(_upright(image))


def _draft_size(width: int, height: int) -> tuple[int, int] | None:
    """What to ask libjpeg for, where a JPEG is decoded smaller; None where it is decoded in full."""
    scale = 1
    while width * height > FULL_JPEG_PIXELS * scale**2:
        scale *= 2
    return (width // scale, height // scale) if scale > 1 else None


def _mended(image: Image.Image, data: bytes, max_pixels: int) -> np.ndarray:
    """A JPEG without an end mark. Raises OSError where pixels are missing too."""
    try:
        image.load()
    except OSError:
        picture = decode_without_end(data, lambda ended: _decode(ended, "JPEG", max_pixels))
        if picture is None:
            raise
        return picture
    return _grey(_upright(image))


def _tidied(data: bytes, kind: str) -> bytes:
    """The file, as far as Pillow needs help with its form."""
    if kind == "PNG":
        return without_bad_metadata(data)
    return as_plain_tiff(data) if data.startswith(BIG_TIFF_BIG_ENDIAN) else data


def check_scans(jpeg: bytes, width: int, height: int, visits: int | None = None) -> None:
    """Refuse a JPEG that would take seconds to decode. Raises ImageError.

    visits: how often a pixel is visited, in all; as often as there are scans in the whole, where it is not given.
    """
    if visits is None:
        visits = jpeg.count(START_OF_SCAN) * width * height
    if visits > MAX_SCAN_PIXELS:
        raise ImageError(
            "unsupported",
            f"the JPEG picture has {visits // (width * height)} passes over {width} x {height} pixels, too many to "
            "read; save it as a baseline JPEG",
        )


def _open(data: bytes, kind: str, max_pixels: int) -> ImageFile.ImageFile:
    if kind == "TIFF":
        learn_kinds()
    try:
        image = Image.open(MeteredBytes(data, MAX_READ_BYTES.get(kind)), formats=[kind])
    except Image.DecompressionBombError:  # Pillow's own limit, should ours be higher or a header be read twice
        raise ImageError(
            "too_many_pixels", f"the picture claims far more than {max_pixels} pixels; send a smaller one"
        ) from None
    except UnidentifiedImageError:
        raise _corrupt(kind) from None
    if kind == "TIFF":
        seek_largest_page(image)
    check_pixel_count(*image.size, max_pixels, BYTES_PER_PIXEL[kind])
    if kind == "JPEG":
        check_scans(data, *image.size)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _check_tiff(image, data)
    return image


def _check_tiff(image: TiffImagePlugin.TiffImageFile, data: bytes) -> None:
    compression = image.info.get("compression")
    if compression not in TIFF_COMPRESSIONS:
        raise ImageError("unsupported", "the TIFF picture's compression is not read; save it with LZW, Deflate or none")
    tag, apart = TIFF_PLANES
    deep = max(image.tag_v2.get(TIFF_BITS, (8,))) > 8
    if compression == "raw" and deep and image.mode in ("RGB", "RGBA", "CMYK") and image.tag_v2.get(tag) == apart:
        # Pillow would take the bytes of 16 bits for pixels of 8.
        raise ImageError("unsupported", "the TIFF picture has colour planes of 16 bits; save it as PNG")
    if compression == "jpeg":
        check_scans(data, *image.size, visits=jpeg_visits(image, data))


def _corrupt(kind: str) -> ImageError:
    return ImageError(
        "corrupt",
        f"the {kind} picture is damaged, cut off or of a rare kind, and cannot be read to its end; "
        "send the original file again, or save it as PNG",
    )


def _orientation(image: Image.Image) -> int:
    """1 to 8; 1 (upright) where the file does not say, or says it in a block that cannot be read."""
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
        return _polarity(image, grey_from_any_range(_numbers(image)))
    if image.mode != "L" and image.mode not in TO_LUMA:
        raise ImageError("unsupported", f"the picture's colours are of kind {image.mode}; save it as grey or RGB")
    if image.has_transparency_data and not _is_keyed(image):
        return np.asarray(_on_black(image))
    grey = np.asarray(image if image.mode == "L" else image.convert("L"))
    return grey ^ np.uint8(0x80) if _sample_format(image) == TIFF_SIGNED and image.mode == "L" else grey


def _wide_grey(image: Image.Image, grey: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """uint8[h, w] from brightness of 16 bits; `image` says which way up it is."""
    picture = Image.fromarray(grey_from_16_bit(grey))
    if alpha is not None and alpha.min() != alpha.max():
        picture = Image.composite(picture, Image.new("L", picture.size, 0), Image.fromarray(alpha))
    turn = UPRIGHT.get(_orientation(image))
    return np.asarray(picture if turn is None else picture.transpose(turn))


def _is_keyed(image: Image.Image) -> bool:
    """Whether one grey level or colour counts as transparent. It may be white, and then it is bone: it is kept."""
    return image.mode in ("1", "L", "RGB")


def _numbers(image: Image.Image) -> np.ndarray:
    """Pillow's 32-bit numbers are signed; those of a TIFF often are not."""
    numbers = np.asarray(image)
    unsigned = image.mode == "I" and _sample_format(image) == TIFF_UNSIGNED
    return numbers.view(np.uint32) if unsigned else numbers


def _sample_format(image: Image.Image) -> int:
    """Of a TIFF; 0 for all other kinds."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 0
    return int(image.tag_v2.get(TIFF_SAMPLE_FORMAT, (TIFF_UNSIGNED,))[0])


def _polarity(image: Image.Image, grey: np.ndarray) -> np.ndarray:
    """Pillow inverts a TIFF whose 0 is white only up to 8 bits."""
    tags = getattr(image, "tag_v2", {})
    return 255 - grey if tags.get(TIFF_PHOTOMETRIC) == TIFF_WHITE_IS_ZERO else grey


def _on_black(image: Image.Image) -> Image.Image:
    """Transparent places become black, as the unexposed part of a film is. The same alpha everywhere means nothing."""
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    alpha = rgba.getchannel("A")
    least, most = alpha.getextrema()
    if least == most:
        return rgba.convert("L")
    background = Image.new("L", image.size, 0)
    background.paste(rgba.convert("L"), mask=alpha)
    return background
