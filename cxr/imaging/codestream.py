"""What a compressed frame says of itself: its coding, its size and its depth, read without decoding anything."""

import struct
from dataclasses import dataclass
from typing import Literal

Coding = Literal["jpeg", "jpeg_deep", "jpeg_lossless", "jpeg_ls", "jpeg_2000", "htj2k"]

JPEG_START = b"\xff\xd8"
J2K_START = b"\xff\x4f\xff\x51"
LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF)
FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
JPEG_LS = 0xF7
START_OF_SCAN = 0xDA
HIGH_THROUGHPUT = 0x4000  # the bit of a JPEG 2000 codestream's capabilities
MAX_SEGMENTS = 1000
START_OF_TILE_PART = 0x90
END_OF_CODESTREAM = 0xD9
MAX_TILE_PARTS = 70_000


@dataclass(frozen=True, slots=True)
class Codestream:
    """bits: of each sample, `signed` or not."""

    coding: Coding
    width: int
    height: int
    samples: int
    bits: int
    signed: bool = False


def read_codestream(data: bytes) -> Codestream | None:
    """None where the bytes are neither JPEG, JPEG-LS nor JPEG 2000. Raises ValueError or struct.error on damage."""
    if data.startswith(J2K_START):
        return _jpeg_2000(data)
    return _jpeg(data) if data.startswith(JPEG_START) else None


def _jpeg_2000(data: bytes) -> Codestream:
    capabilities, right, bottom, left, top = struct.unpack_from(">HLLLL", data, 6)
    samples, depth = struct.unpack_from(">HB", data, 40)
    coding: Coding = "htj2k" if capabilities & HIGH_THROUGHPUT else "jpeg_2000"
    if coding == "htj2k":
        _check_tile_parts(data)
    return Codestream(coding, right - left, bottom - top, samples, (depth & 0x7F) + 1, depth > 0x7F)


def _check_tile_parts(data: bytes) -> None:
    """Raises ValueError where the last tile part breaks off: the decoder would make a blurred picture of the rest."""
    at = 2
    for _ in range(MAX_TILE_PARTS):
        if at + 12 > len(data) or data[at] != 0xFF or data[at + 1] == END_OF_CODESTREAM:
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        if data[at + 1] != START_OF_TILE_PART:
            at += 2 + length
            continue
        (length,) = struct.unpack_from(">L", data, at + 6)
        if at + length > len(data):
            raise ValueError("the compressed frame breaks off")
        if not length:  # up to the end of the codestream, wherever that is
            return
        at += length
    raise ValueError("more tile parts than any writer makes")


def _jpeg(data: bytes) -> Codestream:
    at = 2
    for _ in range(MAX_SEGMENTS):
        mark, kind, length = struct.unpack_from(">BBH", data, at)
        if mark != 0xFF or kind == START_OF_SCAN:
            break
        if kind == 0xFF:  # a fill byte
            at += 1
        elif kind in FRAMES:
            bits, height, width, samples = struct.unpack_from(">BHHB", data, at + 4)
            return Codestream(_jpeg_coding(kind, bits), width, height, samples, bits)
        else:
            at += 2 + length
    raise ValueError("a JPEG frame without a header")


def _jpeg_coding(kind: int, bits: int) -> Coding:
    if kind == JPEG_LS:
        return "jpeg_ls"
    if kind in LOSSLESS:
        return "jpeg_lossless"
    return "jpeg" if bits == 8 else "jpeg_deep"
