"""Ways to damage a file, drawn from a seeded generator: the same seed gives the same bytes everywhere."""

import random
from collections.abc import Callable, Sequence

# Marks, lengths and numbers on which parsers decide.
TOKENS = (
    b"\xff\xd8\xff",
    b"\xff\xc0\x00\x0b",
    b"\xff\xc2",
    b"\xff\xda\x00\x08",
    b"\xff\xdd\x00\x04",
    b"\xff\xd9",
    b"IHDR",
    b"PLTE",
    b"tRNS",
    b"eXIf",
    b"IDAT",
    b"fcTL",
    b"IEND",
    b"zTXt",
    b"VP8X",
    b"VP8L",
    b"ALPH",
    b"ANMF",
    b"Exif\0\0II*\0",
    b"II*\0",
    b"MM\0*",
    b"DICM",
    b"\xfe\xff\x00\xe0",
    b"\xfe\xff\x0d\xe0\0\0\0\0",
    b"\xfe\xff\xdd\xe0\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\xe0\x7f\x10\x00",
    b"\x28\x00\x10\x00",
    b"\x28\x00\x10\x30",
    b"SQ\0\0\xff\xff\xff\xff",
    b"UN\0\0\xff\xff\xff\xff",
    b"MONOCHROME1 ",
    b"1.2.840.10008.1.2.4.90",
    b"1.2.840.10008.1.2.5",
    b"\xff\x4f\xff\x51",
    b"\0\0\0\0",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\x40\0",
    b"nan\\inf ",
    b"1e308 ",
)
Damage = Callable[[random.Random, bytearray, bytes], None]


def mutated(rng: random.Random, samples: Sequence[bytes]) -> bytes:
    """One of the samples with 1 to 6 damages, more often few."""
    data = bytearray(rng.choice(samples))
    for _ in range(min(6, 1 + int(rng.expovariate(0.7)))):
        rng.choice(DAMAGES)(rng, data, rng.choice(samples))
    return bytes(data)


def _place(rng: random.Random, data: bytearray) -> int:
    """An offset; half of them within the first 400 bytes, where headers are."""
    end = len(data) if rng.random() < 0.5 else min(len(data), 400)
    return rng.randrange(end) if end else 0


def _flip_bits(rng: random.Random, data: bytearray, _other: bytes) -> None:
    for _ in range(rng.choice((1, 1, 2, 8, 32)) if data else 0):
        data[_place(rng, data)] ^= 1 << rng.randrange(8)


def _set_bytes(rng: random.Random, data: bytearray, _other: bytes) -> None:
    for _ in range(rng.choice((1, 1, 2, 4)) if data else 0):
        data[_place(rng, data)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _insert(rng: random.Random, data: bytearray, _other: bytes) -> None:
    at = _place(rng, data)
    data[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16, 300)))


def _delete(rng: random.Random, data: bytearray, _other: bytes) -> None:
    at = _place(rng, data)
    del data[at : at + rng.choice((1, 2, 4, 16, 300))]


def _cut(rng: random.Random, data: bytearray, _other: bytes) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _repeat(rng: random.Random, data: bytearray, _other: bytes) -> None:
    at = _place(rng, data)
    part = data[at : at + rng.choice((4, 12, 64, 256))]
    data[at:at] = part * rng.choice((1, 3, 50))


def _token(rng: random.Random, data: bytearray, _other: bytes) -> None:
    at, token = _place(rng, data), rng.choice(TOKENS)
    data[at : at + (len(token) if rng.random() < 0.7 else 0)] = token


def _splice_header(rng: random.Random, data: bytearray, other: bytes) -> None:
    """Another file's beginning before this one's rest."""
    length = rng.choice((8, 16, 132, 200, 400))
    data[:length] = other[:length]


def _splice_tail(rng: random.Random, data: bytearray, other: bytes) -> None:
    data[_place(rng, data) :] = other[rng.randrange(len(other)) :]


DAMAGES: tuple[Damage, ...] = (
    _flip_bits,
    _flip_bits,
    _set_bytes,
    _set_bytes,
    _insert,
    _delete,
    _cut,
    _repeat,
    _token,
    _token,
    _splice_header,
    _splice_tail,
)
