"""PNG and TIFF files of kinds that Pillow does not write."""

import struct
import zlib

import numpy as np

PNG_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # number of samples to colour type
SAMPLE_FORMATS = {"u": 1, "i": 2, "f": 3}


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


def png(pixels: np.ndarray, extra: bytes = b"") -> bytes:
    """uint8 or uint16 [h, w] or [h, w, samples]; `extra` are chunks before the pixels."""
    planes = pixels.reshape(*pixels.shape[:2], -1)
    height, width, samples = planes.shape
    depth = pixels.dtype.itemsize * 8
    header = struct.pack(">LLBBBBB", width, height, depth, PNG_COLOUR_TYPES[samples], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in planes)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tiff(*pages: np.ndarray, order: str = "<", big: bool = False, alpha: bool = False, deflate: bool = False) -> bytes:
    """Uncompressed or deflated pages [h, w] or [h, w, samples]. order: "<" or ">". alpha: the last sample is."""
    data = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42))
    data += struct.pack(order + ("HHQ" if big else "L"), *((8, 0, 0) if big else (0,)))
    link = 8 if big else 4
    for page in pages:
        directory, extra = _directory(page, len(data), order, big=big, alpha=alpha, deflate=deflate)
        data += extra
        struct.pack_into(order + ("Q" if big else "L"), data, link, len(data))
        data += directory
        link = len(data)
        data += bytes(8 if big else 4)
    return bytes(data)


def _directory(page: np.ndarray, at: int, order: str, *, big: bool, alpha: bool, deflate: bool) -> tuple[bytes, bytes]:
    samples = 1 if page.ndim == 2 else page.shape[2]
    pixels = page.astype(page.dtype.newbyteorder(order)).tobytes()
    pixels = zlib.compress(pixels) if deflate else pixels
    bits = struct.pack(f"{order}{samples}H", *[page.dtype.itemsize * 8] * samples)
    formats = struct.pack(f"{order}{samples}H", *[SAMPLE_FORMATS[page.dtype.kind]] * samples)
    place = at + len(pixels)

    def number(tag: int, value: int) -> bytes:
        field = struct.pack(order + "L", value)
        return struct.pack(order + ("HHQ" if big else "HHL"), tag, 4, 1) + field.ljust(8 if big else 4, b"\0")

    def shorts(tag: int, values: bytes, beyond: int) -> bytes:
        room = 8 if big else 4
        field = values if len(values) <= room else struct.pack(order + ("Q" if big else "L"), beyond)
        return struct.pack(order + ("HHQ" if big else "HHL"), tag, 3, samples) + field.ljust(room, b"\0")

    entries = [
        number(256, page.shape[1]),
        number(257, page.shape[0]),
        shorts(258, bits, place),
        number(259, 8 if deflate else 1),
        number(262, 2 if samples >= 3 else 1),
        number(273, at),
        number(277, samples),
        number(278, page.shape[0]),
        number(279, len(pixels)),
        *([number(338, 2)] if alpha else []),
        shorts(339, formats, place + len(bits)),
    ]
    return struct.pack(order + ("Q" if big else "H"), len(entries)) + b"".join(entries), pixels + bits + formats


def planar_tiff(planes: list[np.ndarray]) -> bytes:
    """Uncompressed red, green and blue, uint16[h, w] each, one plane after the other."""
    height, width = planes[0].shape
    size = 2 * height * width
    bits_at = 8 + 2 + 12 * 10 + 4
    starts_at, lengths_at, pixels_at = bits_at + 8, bits_at + 20, bits_at + 32
    tags = (
        *((256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, bits_at), (259, 4, 1, 1), (262, 4, 1, 2)),
        *((273, 4, 3, starts_at), (277, 4, 1, 3), (278, 4, 1, height), (279, 4, 3, lengths_at), (284, 4, 1, 2)),
    )
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHLL", *tag) for tag in tags) + bytes(4)
    values = struct.pack("<3HH", 16, 16, 16, 0)
    values += struct.pack("<6L", *(pixels_at + number * size for number in range(3)), size, size, size)
    return b"II*\0" + struct.pack("<L", 8) + directory + values + b"".join(p.astype("<u2").tobytes() for p in planes)
