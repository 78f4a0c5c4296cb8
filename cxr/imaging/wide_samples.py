"""Colour, and grey with alpha, of 16 bits a sample: PNG and TIFF, through Pillow, which would cut them to 8 bits.

Pillow unpacks such samples by taking the upper byte of each. Told that their byte order is the other one, it takes the
lower byte. So the picture is read twice, and nothing else is needed: no other library, no filter of our own.
"""

import sys
from collections.abc import Callable

import numpy as np
from PIL import ImageFile, TiffImagePlugin

from cxr.imaging.grayscale import bands

OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
LUMA = (19595, 38470, 7471)  # of red, green and blue in 65536ths: the weights that Pillow uses
TIFF_BITS = 258
GREY_ALPHA = "RGBA"  # how two samples of 16 bits are unpacked: as four bytes


def is_wide(image: ImageFile.ImageFile) -> bool:
    """Whether an opened, unread picture has several samples of 16 bits a pixel."""
    if not image.tile or image.mode not in ("RGB", "RGBA"):
        return False
    return ";16" in _raw_mode(image) or _is_grey_alpha(image)


def read_wide(open_again: Callable[[], ImageFile.ImageFile]) -> tuple[np.ndarray, np.ndarray | None]:
    """Brightness uint16[h, w] and alpha uint8[h, w] or None, of a picture for which `is_wide` holds.

    `open_again` opens the picture, unread. Raises one of PILLOW_FAULTS.
    """
    with open_again() as image:
        if _is_grey_alpha(image):
            return _read_grey_alpha(image)
        upper = _read(image, _raw_mode(image))
    with open_again() as image:
        lower = _read(image, _raw_mode(image)[:-1] + OTHER_ORDER[_raw_mode(image)[-1]])
    return wide_luma(upper, lower), upper[..., 3] if upper.shape[2] == 4 else None


def _read_grey_alpha(image: ImageFile.ImageFile) -> tuple[np.ndarray, np.ndarray]:
    big_endian = _is_big_endian(image)
    words = np.ascontiguousarray(_read(image, GREY_ALPHA)).view(">u2" if big_endian else "<u2")
    return words[..., 0].astype(np.uint16), (words[..., 1] >> 8).astype(np.uint8)


def _is_grey_alpha(image: ImageFile.ImageFile) -> bool:
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return image.tag_v2.get(TIFF_BITS) == (16, 16)
    return bool(image.tile) and _raw_mode(image) == "LA;16B"


def _is_big_endian(image: ImageFile.ImageFile) -> bool:
    """Of the bytes that Pillow unpacks: libtiff has turned them to the machine's order already."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return True
    if image.tile[0].codec_name == "libtiff":
        return sys.byteorder == "big"
    return image.tag_v2.prefix == b"MM"


def _raw_mode(image: ImageFile.ImageFile) -> str:
    arguments = image.tile[0].args or ("",)
    return str(arguments if isinstance(arguments, str) else arguments[0])


def _read(image: ImageFile.ImageFile, raw_mode: str) -> np.ndarray:
    image.tile = [
        tile._replace(args=raw_mode if isinstance(tile.args, str) else (raw_mode, *(tile.args or ())[1:]))
        for tile in image.tile
    ]
    return np.asarray(image)


def wide_luma(colours: np.ndarray, lower: np.ndarray | None = None) -> np.ndarray:
    """uint16[h, w] from red, green and blue, uint16[h, w, 3 or 4]; or from their upper and `lower` bytes, uint8."""
    result = np.empty(colours.shape[:2], np.uint16)
    for band in bands(result.shape):
        total = np.full(result[band].shape, 1 << 15, np.uint32)
        for channel, weight in enumerate(LUMA):
            sample = colours[band, :, channel].astype(np.uint32)
            total += (sample if lower is None else sample << 8 | lower[band, :, channel]) * np.uint32(weight)
        result[band] = total >> 16
    return result
