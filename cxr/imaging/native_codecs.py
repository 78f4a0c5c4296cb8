"""Frames that Pillow cannot decode: JPEG of 12 bits, JPEG Lossless, JPEG-LS, HTJ2K; by imagecodecs, in a process apart.

docs/results/dicom-codecs.md says why imagecodecs.
"""

from contextlib import ExitStack

import numpy as np

from cxr.common.errors import ImageError
from cxr.imaging.codestream import Codestream, Coding
from cxr.imaging.decoder_pool import decoder_pool
from cxr.imaging.mending import JPEG_END, decode_without_end, has_no_end

# By imagecodecs' names. jpeg8 is libjpeg-turbo, jpegls is CharLS, htj2k is OpenJPH.
CODECS: dict[Coding, str] = {
    "jpeg_deep": "jpeg8",
    "jpeg_lossless": "jpeg8",
    "jpeg_ls": "jpegls",
    "htj2k": "htj2k",
}


def decode_native(frame: bytes, stream: Codestream, held: ExitStack) -> np.ndarray:
    """The samples as bit patterns, uint8 or uint16, [h, w] or [h, w, 3], of a coding in CODECS. Raises ImageError.

    They lie in memory that is lent until `held` is closed.
    """
    shape = (stream.height, stream.width) if stream.samples == 1 else (stream.height, stream.width, stream.samples)
    if stream.samples not in (1, 3) or not 2 <= stream.bits <= 16:
        raise ImageError(
            "unsupported",
            f"the frame has {stream.samples} samples of {stream.bits} bits; export it as 8 to 16-bit grey",
        )
    size = 1 if stream.bits <= 8 else 2
    dtype = np.dtype(f"{'i' if stream.signed else 'u'}{size}")

    pool = decoder_pool()
    codec = CODECS[stream.coding]
    if stream.coding == "jpeg_ls" and has_no_end(frame):
        frame += JPEG_END  # CharLS would look for it for seconds; if pixels are missing too, it says so
    if stream.coding in ("jpeg_ls", "htj2k") or not has_no_end(frame):
        return held.enter_context(pool.lend(codec, frame, shape, dtype)).view(f"u{size}")
    pixels = decode_without_end(frame, lambda ended: pool.decode(codec, ended, shape, dtype).view(f"u{size}"))
    if pixels is None:
        raise ImageError("corrupt", "the compressed pixels break off; export the picture again")
    return pixels
