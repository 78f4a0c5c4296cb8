"""TIFF files as Pillow reads them: the largest page of several, a big-endian BigTIFF as a plain TIFF, rare depths."""

import struct
from typing import Any

from PIL import Image, TiffImagePlugin

from cxr.imaging.limits import MAX_REREADS, SMALL_FILE_BYTES

BIG_TIFF_BIG_ENDIAN = b"MM\0+"
MAX_PAGES = 64  # are looked at; the picture beside its thumbnails is among the first
MAX_ENTRIES = 4096  # of a directory
MAX_VALUES = 1 << 16  # of an entry that must be written anew: where the strips are
LONG8_TYPES = (16, 17, 18)
LONG = 4
TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}

START_OF_SCAN = b"\xff\xda"  # in a JPEG
STRIPS = (273, 279)  # the tags of where they are, and of their lengths
TILES = (324, 325)
ROWS_PER_STRIP = 278
TILE_SIZE = (322, 323)

_LITTLE, _BIG = b"II", b"MM"
# Kinds that Pillow's decoders know and its table lacks: byte order, photometric interpretation, sample format, fill
# order, bits, kinds of extra samples. Two samples of 16 bits come as four bytes; cxr/imaging/wide_samples.py knows.
KINDS: dict[Any, tuple[str, str]] = {
    (_LITTLE, 1, (3,), 1, (64,), ()): ("F", "F;64F"),
    (_BIG, 1, (3,), 1, (64,), ()): ("F", "F;64BF"),
    (_LITTLE, 0, (3,), 1, (64,), ()): ("F", "F;64F"),
    (_BIG, 0, (3,), 1, (64,), ()): ("F", "F;64BF"),
    (_BIG, 1, (1,), 1, (32,), ()): ("I", "I;32BS"),
    **{(order, 1, (1,), 1, (16, 16), (extra,)): ("RGBA", "RGBA") for order in (_LITTLE, _BIG) for extra in (0, 1, 2)},
}


def learn_kinds() -> None:
    """Tell Pillow of KINDS. What its table has already stays as it is."""
    for key, modes in KINDS.items():
        TiffImagePlugin.OPEN_INFO.setdefault(key, modes)


def seek_largest_page(image: Image.Image) -> None:
    """Turn an opened TIFF to the page with the most pixels; the first of several, and none after a damaged one."""
    largest, pixels = 0, image.width * image.height
    for page in range(1, MAX_PAGES):
        try:
            image.seek(page)
        except (EOFError, SyntaxError, ValueError, KeyError, TypeError, OSError, struct.error):
            break
        if image.width * image.height > pixels:
            largest, pixels = page, image.width * image.height
    image.seek(largest)


def jpeg_visits(image: TiffImagePlugin.TiffImageFile, data: bytes) -> int:
    """How often the decoder visits a pixel, over all strips or tiles, of a page whose strips are JPEG.

    Strips may share their bytes: each counts. Raises ValueError where they are far more than the file.
    """
    tags = image.tag_v2
    tiled = TILES[0] in tags
    starts, lengths = (tags.get(tag, ()) for tag in (TILES if tiled else STRIPS))
    if sum(lengths) > MAX_REREADS * max(len(data), SMALL_FILE_BYTES):
        raise ValueError("the strips are longer than the file")
    if tiled:
        pixels = tags.get(TILE_SIZE[0], 0) * tags.get(TILE_SIZE[1], 0)
    else:
        pixels = image.width * min(tags.get(ROWS_PER_STRIP, image.height), image.height)
    scans = sum(
        data.count(START_OF_SCAN, start, start + length) for start, length in zip(starts, lengths, strict=False)
    )
    return int(scans * pixels)


def as_plain_tiff(data: bytes) -> bytes:
    """A big-endian BigTIFF, which Pillow cannot open, as a TIFF: its largest page's directory is written anew.

    The pixels stay where they are. Raises ValueError or struct.error where the file is damaged.
    """
    page = max(_directories(data), key=_pixels)
    directory, values = [], b""
    values_at = len(data) + 2 + 12 * len(page) + 4
    for tag, kind, count, content in page:
        if len(content) > 4:
            field = struct.pack(">L", values_at + len(values))
            values += content
        else:
            field = content.ljust(4, b"\0")
        directory.append(struct.pack(">HHL", tag, kind, count) + field)
    head = b"MM\0*" + struct.pack(">L", len(data))
    return b"".join((head, data[8:], struct.pack(">H", len(page)), *directory, bytes(4), values))


_Entry = tuple[int, int, int, bytes]  # tag, type, count, values


def _directories(data: bytes) -> list[list[_Entry]]:
    pages: list[list[_Entry]] = []
    (at,) = struct.unpack_from(">Q", data, 8)
    while at and len(pages) < MAX_PAGES:
        (count,) = struct.unpack_from(">Q", data, at)
        if count > MAX_ENTRIES:
            raise ValueError("more entries than any real directory has")
        places = range(at + 8, at + 8 + 20 * count, 20)
        pages.append([entry for place in places if (entry := _entry(data, place)) is not None])
        (at,) = struct.unpack_from(">Q", data, at + 8 + 20 * count)
    return pages


def _entry(data: bytes, at: int) -> _Entry | None:
    """One entry, its 64-bit numbers made 32 bits; None for a kind that no picture needs."""
    tag, kind, count = struct.unpack_from(">HHQ", data, at)
    size = 8 if kind in LONG8_TYPES else TYPE_SIZES.get(kind, 0)
    if not size or count > MAX_VALUES:
        return None
    place = at + 12 if size * count <= 8 else struct.unpack_from(">Q", data, at + 12)[0]
    content = data[place : place + size * count]
    if len(content) < size * count:
        raise ValueError("an entry lies beyond the end of the file")
    if kind in LONG8_TYPES:
        return tag, LONG, count, struct.pack(f">{count}L", *struct.unpack(f">{count}Q", content))
    return tag, kind, count, content


def _pixels(entries: list[_Entry]) -> int:
    sides = [int.from_bytes(content, "big") for tag, _kind, count, content in entries if tag in (256, 257) and count]
    return sides[0] * sides[1] if len(sides) == 2 else 0
