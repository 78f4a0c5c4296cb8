"""The parts of a STOW-RS body, whatever pieces it comes in."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr.node.multipart_related import BodyError, PartsReader

BOUNDARY = b"limit"
PARTS = (b"first", b"", b"\r\n--limi\r\n--lim", bytes(range(256)))


def body(parts: tuple[bytes, ...]) -> bytes:
    said = b"".join(b"--limit\r\nContent-Type: application/dicom\r\n\r\n" + part + b"\r\n" for part in parts)
    return said + b"--limit--\r\n"


def read(folder, pieces: list[bytes], most_bytes: int = 1000) -> list[tuple[bytes, bool]]:
    """Content of each part, and whether it was too large. The folder is empty afterwards."""
    found = []
    try:
        with PartsReader(BOUNDARY, folder, most_bytes) as reader:
            for piece in pieces:
                for part in reader.feed(piece):
                    found.append((part.file.read_bytes(), part.too_large))
                    part.file.unlink()
            reader.end()
    finally:
        assert list(folder.iterdir()) == []
    return found


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, len(body(PARTS))), max_size=12))
def test_the_pieces_do_not_matter(tmp_path_factory, cuts):
    whole = body(PARTS)
    edges = sorted({0, *cuts, len(whole)})
    pieces = [whole[start:end] for start, end in pairwise(edges)]
    assert read(tmp_path_factory.mktemp("parts"), pieces) == [(part, False) for part in PARTS]


def test_a_long_part_is_cut_and_said_to_be(tmp_path):
    assert read(tmp_path, [body((b"long", b"ok"))[:50], body((b"long", b"ok"))[50:]], most_bytes=2) == [
        (b"", True),
        (b"ok", False),
    ]


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200))
def test_any_other_bytes_are_a_fault_in_words(tmp_path_factory, junk):
    with pytest.raises(BodyError):
        read(tmp_path_factory.mktemp("parts"), [junk])
