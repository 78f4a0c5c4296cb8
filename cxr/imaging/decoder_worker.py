"""A decoder process: native code takes a compressed frame from shared memory and puts pixels there.

cxr/imaging/decoder_pool.py starts it as a program of its own, so it imports nothing of the project. What it reads from
standard input and writes to standard output are REQUEST and ANSWER; it ends when the input ends.
"""

import io
import mmap
import os
import signal
import struct
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

REQUEST = struct.Struct("<16s4sQQQLLL")  # codec, dtype, bytes shared, of input, output's offset, rows, columns, samples
ANSWER = struct.Struct("<B")
DONE, DAMAGED, NOT_INSTALLED, NO_MEMORY = range(4)
MAX_DATA_BYTES = 640 << 20  # that the process may allocate beside the shared memory; Linux alone keeps to it
# A HEIC or an AVIF may hold far more pixels than it claims, which shows only when they are decoded. So it gets what its
# claim needs, beside what the process has with all its libraries.
STILL_BASE_BYTES = 160 << 20
STILL_BYTES_PER_PIXEL = 10
BAND_ROWS = 256  # that are made grey at once


def main(path: str) -> None:
    """Serve requests until the input ends. path: of the shared memory."""
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a library that prints must not be taken for an answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_memory()
    shared: mmap.mmap | None = None
    with open(path, "r+b") as file:
        while len(request := sys.stdin.buffer.read(REQUEST.size)) == REQUEST.size:
            codec, dtype, size, *rest = REQUEST.unpack(request)
            if shared is None or len(shared) < size:
                shared = mmap.mmap(file.fileno(), size)
            os.write(answers, ANSWER.pack(_decode(shared, codec.rstrip(b"\0"), dtype.rstrip(b"\0"), *rest)))


def _decode(
    shared: mmap.mmap, codec: bytes, dtype: bytes, length: int, start: int, rows: int, columns: int, samples: int
) -> int:
    try:
        import numpy as np

        decode = STILL.get(codec.decode()) or _by_imagecodecs(codec.decode())
    except ImportError:
        return NOT_INSTALLED
    shape = (rows, columns) if samples == 1 else (rows, columns, samples)
    pixels = np.ndarray(shape, dtype.decode(), shared, start)
    try:
        decode(np.frombuffer(shared, np.uint8, length), pixels)
    except ImportError:
        return NOT_INSTALLED
    except MemoryError:
        return NO_MEMORY
    except Exception:  # noqa: BLE001  each codec has an exception of its own; the process is here to keep them in
        return DAMAGED
    finally:
        _limit_data(MAX_DATA_BYTES)
    return DONE


def _by_imagecodecs(codec: str) -> "Callable[[np.ndarray, np.ndarray], None]":
    import imagecodecs

    decode = getattr(imagecodecs, codec + "_decode")
    return lambda data, pixels: decode(data, out=pixels)


def _heif(data: "np.ndarray", pixels: "np.ndarray") -> None:
    """The primary picture, upright: libheif turns it."""
    import numpy as np
    import pi_heif
    from PIL import Image

    _limit_data(STILL_BASE_BYTES + STILL_BYTES_PER_PIXEL * pixels.size)
    pi_heif.options.DECODE_THREADS = 1
    picture = pi_heif.open_heif(io.BytesIO(data.data), convert_hdr_to_8bit=True)
    samples = np.asarray(picture)[:, : picture.size[0]]
    if samples.dtype == np.uint16:  # grey of 10 or 12 bits, which pi-heif leaves as it is, at the top of the word
        samples = (samples >> 8).astype(np.uint8)
    if samples.shape[:2] != pixels.shape:
        raise ValueError("the picture has another size than it claims")
    _to_grey(lambda top, end: Image.fromarray(samples[top:end]), pixels)


def _heif_size(data: "np.ndarray", numbers: "np.ndarray") -> None:
    import pi_heif

    _limit_data(STILL_BASE_BYTES)
    numbers[0] = (*pi_heif.open_heif(io.BytesIO(data.data)).size, 1)


def _avif(data: "np.ndarray", pixels: "np.ndarray") -> None:
    """The first picture, as it is stored."""
    _limit_data(STILL_BASE_BYTES + STILL_BYTES_PER_PIXEL * pixels.size)
    with _opened_avif(data) as picture:
        if (picture.height, picture.width) != pixels.shape:
            raise ValueError("the picture has another size than it claims")
        picture.load()
        _to_grey(lambda top, end: picture.crop((0, top, picture.width, end)), pixels)


def _avif_size(data: "np.ndarray", numbers: "np.ndarray") -> None:
    _limit_data(STILL_BASE_BYTES)
    with _opened_avif(data) as picture:
        numbers[0] = (*picture.size, picture.getexif().get(0x0112, 1))


def _opened_avif(data: "np.ndarray") -> "Image.Image":
    from PIL import AvifImagePlugin, Image

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    Image.MAX_IMAGE_PIXELS = None  # the owner of this process has its own limit
    return Image.open(io.BytesIO(data.data), formats=["AVIF"])


def _to_grey(band: "Callable[[int, int], Image.Image]", pixels: "np.ndarray") -> None:
    """Luma, band by band; transparent places become black, and the same alpha everywhere means nothing."""
    from PIL import ImageChops

    tops = range(0, len(pixels), BAND_ROWS)
    clear = False
    if band(0, 1).mode in ("RGBA", "LA"):
        extremes = [band(top, min(top + BAND_ROWS, len(pixels))).getchannel("A").getextrema() for top in tops]
        clear = len({level for pair in extremes for level in pair}) > 1
    for top in tops:
        part = band(top, min(top + BAND_ROWS, len(pixels)))
        grey = part.convert("L")
        pixels[top : top + BAND_ROWS] = ImageChops.multiply(grey, part.getchannel("A")) if clear else grey


# HEIC and AVIF, whose size is told apart from their pixels: width, height and EXIF orientation, uint32[1, 3].
STILL: "dict[str, Callable[[np.ndarray, np.ndarray], None]]" = {
    "heif": _heif,
    "heif_size": _heif_size,
    "avif": _avif,
    "avif_size": _avif_size,
}


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_DATA_BYTES, MAX_DATA_BYTES))


def _limit_data(size: int) -> None:
    """Until the next picture: bytes that the process may have in all, and never more than MAX_DATA_BYTES."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_DATA, (min(size, MAX_DATA_BYTES), MAX_DATA_BYTES))


if __name__ == "__main__":
    main(sys.argv[1])
