"""The limits that keep one small file from taking a machine's memory or minutes of its time."""

import io

from cxr.common.errors import ImageError
from cxr.imaging.decoding_room import ROOM

# Parsers ask for a few bytes per marker, chunk or element, in Python: a file made of millions of empty ones would
# keep them busy for minutes. The largest real files take some ten thousand reads.
MAX_READS = 100_000
MAX_DICOM_READS = 450_000  # about a second; a file with 100,000 private elements, as some devices write, takes 400,000
# Parts of a file may overlap: a thousand tags of a TIFF, all on the same 20 MiB. Real files are read once or twice.
MAX_REREADS = 4
SMALL_FILE_BYTES = 1 << 16  # below which rereading is harmless


class MeteredBytes(io.BytesIO):
    """Bytes that may be read from a limited number of times, and limited bytes in all and, by `max_read`, at once.

    Raises ValueError after that.
    """

    def __init__(self, data: bytes, max_read: int | None = None, reads: int = MAX_READS):
        super().__init__(data)
        self.reads_left = reads
        self.bytes_left = MAX_REREADS * max(len(data), SMALL_FILE_BYTES)
        self.max_read = max_read

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads_left -= 1
        if self.reads_left < 0 or self.bytes_left < 0:
            raise ValueError("more parts than any real picture has")
        if self.max_read is not None and size is not None and size > self.max_read:
            raise ValueError("a part of the file is longer than in any real picture")
        part = super().read(size)
        self.bytes_left -= len(part)
        return part


# A picture of MAX_PIXELS in samples of 8 bytes. The pipeline reads a file whole, one on each core; the service has a
# limit of its own.
MAX_FILE_BYTES = 256 * 2**20

# Many decoders work row by row or column by column, at a cost for each: a picture of 1 x 30,000,000 takes them seconds,
# and resizing it takes gigabytes. The longest side of a radiograph has some 6,000 pixels.
MAX_SIDE = 20_000
COUNTED_BYTES = 13


def check_pixel_count(width: int, height: int, max_pixels: int, bytes_per_pixel: int) -> None:
    """Refuse by the size that the header claims, before anything of that size exists. Raises ImageError.

    max_pixels holds for kinds that take up to COUNTED_BYTES a pixel; of hungrier ones fewer pixels are read, so that
    no picture takes more than max_pixels x COUNTED_BYTES.

    Waits until there is room to decode it; `bytes_per_pixel` are what that takes at its peak.
    """
    if width < 1 or height < 1:
        raise ImageError("corrupt", f"the picture claims {width} x {height} pixels; export it again")
    most = max_pixels * COUNTED_BYTES // max(COUNTED_BYTES, bytes_per_pixel)
    if width * height > most:
        raise ImageError(
            "too_many_pixels",
            f"the picture claims {width} x {height} pixels, at most {most} are read; send a smaller one",
        )
    if max(width, height) > MAX_SIDE:
        raise ImageError(
            "too_many_pixels",
            f"the picture claims {width} x {height} pixels, at most {MAX_SIDE} a side are read; send a smaller one",
        )
    ROOM.take(width * height * bytes_per_pixel)
