"""THE decoder: the bytes of a picture to 8-bit grey. Training and serving both come through here.

| bytes | what is done with them |
|---|---|
| JPEG | the brightness channel; CMYK and RGB by luma (0.299 R + 0.587 G + 0.114 B); a missing end mark is no fault |
| PNG, WebP, BMP, TIFF | 1, 2, 4, 8 bits, palette, colour by luma; transparent places become black |
| an alpha channel of one value | ignored |
| PNG, TIFF of 16 bits | 0 is black; white is the top of the smallest of 8, 10, 12, 14, 16 bits that fits 98 % of it |
| TIFF signed, 32 and 64 bits, float | min-max; a few numbers far from all others do not count |
| DICOM | rescale, VOI LUT or window, else min-max; MONOCHROME1 inverted; see cxr/imaging/dicom_decoder.py |
| several pages of a TIFF | the largest |
| several frames | the first |
| HEIC, AVIF | the primary picture; colour by luma; transparent places become black; 10 and 12 bits are cut to 8 |
| JPEG of more than 30 million pixels | decoded at a half of its width and height, or less |
| EXIF orientation | honoured; colour profiles, gamma and resolution are not |
"""

import logging
import warnings
from collections.abc import Mapping

import numpy as np
from PIL import Image

from cxr.common.errors import ImageError
from cxr.imaging.bare_dicom import is_bare_dicom
from cxr.imaging.decoding_room import ROOM
from cxr.imaging.heif_decoder import decode_heif, heif_kind
from cxr.imaging.pillow_decoder import decode_raster

# Code of an ImageError to its meaning.
IMAGE_ERROR_CODES: Mapping[str, str] = {
    "empty": "0 bytes",
    "not_a_picture": "the bytes are of no known picture format",
    "unsupported": "a picture, of a format or a kind that is not read here",
    "corrupt": "of a format that is read, but damaged or cut off",
    "too_many_pixels": "the header claims more pixels than are read",
}
ACCEPTED = "JPEG, PNG, WebP, HEIC, AVIF, BMP, TIFF and DICOM"
MAX_PIXELS = 50_000_000  # a phone's picture has 48 million; the largest radiograph of the sources has 26.7 million


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The bytes of one picture file to uint8[h, w]; 0 is black, 255 is white, read-only.

    Raises ImageError whose code is one of IMAGE_ERROR_CODES and whose text quotes nothing of the file.
    """
    kind = _kind(data)
    _silence()
    with ROOM.lent():
        picture = _decoded(data, kind, max_pixels)
    picture.setflags(write=False)
    return picture


def _decoded(data: bytes, kind: str, max_pixels: int) -> np.ndarray:
    if kind == "DICOM":
        from cxr.imaging.dicom_decoder import decode_dicom

        return decode_dicom(data, max_pixels)
    if kind in ("HEIF", "AVIF"):
        return decode_heif(data, kind, max_pixels)
    return decode_raster(data, kind, max_pixels)


def resize(picture: np.ndarray, image_size: int) -> np.ndarray:
    """uint8[h, w] stretched to uint8[size, size], without keeping the aspect ratio, as the original did.

    Bilinear over the area that each new pixel covers (antialiased), in integer arithmetic: the same on every
    machine. The one method for training and serving.
    """
    if picture.shape == (image_size, image_size):
        return picture
    return np.asarray(Image.fromarray(picture).resize((image_size, image_size), Image.Resampling.BILINEAR))


def to_pixels(data: bytes, image_size: int, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The bytes of a picture file to uint8[size, size]. Raises ImageError, as `decode` does."""
    return resize(decode(data, max_pixels=max_pixels), image_size)


def _kind(data: bytes) -> str:
    """Pillow's name of the format, or "DICOM", by the file's first bytes; never by trying decoders."""
    if not data:
        raise ImageError("empty", f"the picture has 0 bytes; send a file of {ACCEPTED}")
    for kind, at, magic in SIGNATURES:
        if data[at : at + len(magic)] == magic:
            return kind
    if (still := heif_kind(data)) is not None:
        return still
    for name, at, magic in OTHER_SIGNATURES:
        if data[at : at + len(magic)] == magic:
            raise ImageError("unsupported", f"this is a {name} file; {ACCEPTED} are read; convert it, e.g. to PNG")
    if is_bare_dicom(data):
        return "DICOM"
    raise ImageError("not_a_picture", f"these {len(data)} bytes are no picture; send a file of {ACCEPTED}")


# Format, where its mark stands, the mark. A DICOM file's first 128 bytes are free, so it is asked for first:
# dual files exist that are a TIFF and a DICOM at once, and the DICOM knows how its values are meant.
SIGNATURES = (
    ("DICOM", 128, b"DICM"),
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("WEBP", 8, b"WEBP"),
    ("BMP", 0, b"BM"),
    ("TIFF", 0, b"II*\0"),
    ("TIFF", 0, b"MM\0*"),
    ("TIFF", 0, b"II+\0"),
    ("TIFF", 0, b"MM\0+"),
)
# Told apart only so that the error can say what came.
OTHER_SIGNATURES = (
    ("GIF", 0, b"GIF8"),
    ("PDF", 0, b"%PDF"),
    ("video or raw", 4, b"ftyp"),
    ("JPEG 2000", 0, b"\0\0\0\x0cjP  "),
    ("JPEG 2000", 0, b"\xff\x4f\xff\x51"),
    ("JPEG XL", 0, b"\xff\x0a"),
    ("JPEG XL", 0, b"\0\0\0\x0cJXL "),
    ("Photoshop", 0, b"8BPS"),
    ("NIfTI", 344, b"n+1\0"),
    ("ZIP", 0, b"PK\x03\x04"),
    ("gzip", 0, b"\x1f\x8b"),
)


def _silence() -> None:
    """Keep what Pillow and pydicom would say about a file out of logs: it may quote names and values."""
    logging.getLogger("PIL").setLevel(logging.WARNING)
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", module=r"(PIL|pydicom|cxr\.imaging)\b")
