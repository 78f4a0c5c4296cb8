"""What careless writers leave out or add: a JPEG without its end mark, a PNG with more metadata than Pillow unpacks.

Nothing here makes a picture up. A JPEG that breaks off within its pixels stays damaged, and so does a PNG.
"""

import struct
import zlib
from collections.abc import Callable

import numpy as np

JPEG_END = b"\xff\xd9"
# Two contents that stand for what a cut-off JPEG lacks. If the pixels depend on which one it is, pixels are missing.
FILLERS = (b"\x00" * 4096, b"\x5a\xa5" * 2048)

PNG_START = b"\x89PNG\r\n\x1a\n"
COMPRESSED_TEXT = (b"zTXt", b"iTXt")
METADATA = (b"tEXt", *COMPRESSED_TEXT, b"iCCP", b"eXIf", b"tIME", b"pHYs", b"sRGB", b"cHRM", b"gAMA", b"bKGD", b"hIST")
MAX_TEXT_BYTES = 1 << 19  # unpacked; Pillow refuses the whole picture for more than twice as much
MAX_CHUNKS = 50_000


def has_no_end(jpeg: bytes) -> bool:
    return JPEG_END not in jpeg[-64:]


def decode_without_end(jpeg: bytes, decode: Callable[[bytes], np.ndarray]) -> np.ndarray | None:
    """The picture of a JPEG that lacks only its end mark; None where it lacks pixels too.

    decode: bytes to pixels. Raises what it raises.
    """
    first, second = (decode(jpeg + filler + JPEG_END) for filler in FILLERS)
    return first if np.array_equal(first, second) else None


def without_bad_metadata(png: bytes) -> bytes:
    """The PNG without those of its metadata that are damaged, or larger than MAX_TEXT_BYTES when unpacked.

    The same bytes where there is none, and where the chunks cannot be told apart.
    """
    kept: list[bytes] = [PNG_START]
    at, dropped = len(PNG_START), False
    for _ in range(MAX_CHUNKS):
        if at + 12 > len(png):
            break
        length = struct.unpack_from(">L", png, at)[0]
        end = at + 12 + length
        if end > len(png):
            break
        if _is_bad(png, at, length):
            dropped = True
        else:
            kept.append(png[at:end])
        at = end
    return b"".join((*kept, png[at:])) if dropped else png


def _is_bad(png: bytes, at: int, length: int) -> bool:
    kind = png[at + 4 : at + 8]
    if kind not in METADATA:
        return False
    content = png[at + 8 : at + 8 + length]
    if zlib.crc32(kind + content) != struct.unpack_from(">L", png, at + 8 + length)[0]:
        return True
    if kind == b"iCCP":
        return _unpacks_too_long(content.partition(b"\0")[2][1:])
    if kind in COMPRESSED_TEXT:
        return length > MAX_TEXT_BYTES or _unpacks_too_long(_packed_text(kind, content))
    return length > MAX_TEXT_BYTES


def _packed_text(kind: bytes, content: bytes) -> bytes:
    """The compressed part of a zTXt or an iTXt chunk; nothing where an iTXt is not compressed."""
    rest = content.partition(b"\0")[2]
    if kind == b"zTXt":
        return rest[1:]
    return rest[2:].split(b"\0", 2)[-1] if rest[:1] == b"\1" else b""


def _unpacks_too_long(packed: bytes) -> bool:
    try:
        return len(zlib.decompressobj().decompress(packed, MAX_TEXT_BYTES + 1)) > MAX_TEXT_BYTES
    except zlib.error:
        return False  # Pillow passes over it
