"""HEIC and AVIF, a phone's pictures, to 8-bit grey. Both are decoded in a process apart, by libheif and by Pillow."""

import numpy as np
from PIL import Image

from cxr.imaging.decoder_pool import MAX_PATIENCE, decoder_pool
from cxr.imaging.limits import check_pixel_count
from cxr.imaging.pillow_decoder import UPRIGHT

CODECS = {"HEIF": "heif", "AVIF": "avif"}
# At the peak, in both processes, as measured with pictures of 48 million pixels.
BYTES_PER_PIXEL = {"HEIF": 8, "AVIF": 10}
AVIF_BRANDS = (b"avif", b"avis")
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
MAX_BRANDS_BYTES = 256


def heif_kind(data: bytes) -> str | None:
    """Pillow's name of the format by the brands of an ISO media file; None for a video or a camera's raw file."""
    if data[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(data[:4], "big"), MAX_BRANDS_BYTES)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, end, 4))]
    for kind, known in (("AVIF", AVIF_BRANDS), ("HEIF", HEIF_BRANDS)):
        if any(brand in known for brand in brands):
            return kind
    return None


def decode_heif(data: bytes, kind: str, max_pixels: int) -> np.ndarray:
    """The primary picture of a HEIC, or the first of an AVIF, to uint8[h, w], upright. Raises ImageError."""
    pool = decoder_pool()
    claim = pool.decode(CODECS[kind] + "_size", data, (1, 3), np.dtype(np.uint32))
    width, height, orientation = (int(number) for number in claim[0])
    check_pixel_count(width, height, max_pixels, BYTES_PER_PIXEL[kind])

    grey = pool.decode(CODECS[kind], data, (height, width), np.dtype(np.uint8), MAX_PATIENCE)
    turn = UPRIGHT.get(orientation)
    return grey if turn is None else np.asarray(Image.fromarray(grey).transpose(turn))
