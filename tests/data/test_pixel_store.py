from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr.common.errors import CxrError
from cxr.data.pixel_store import read_pixels, write_pixels
from cxr.imaging.decode import to_pixels
from tests.labelled import pictures
from tests.rows import image_row


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    for i, picture in enumerate(pictures(40, image_size=30)):
        Image.fromarray(picture).save(tmp_path / "raw" / f"{i}.png")
    return tmp_path / "raw"


def rows_of(raw: Path, *numbers: int) -> list:
    return [image_row(f"{i}.png") for i in numbers]


@pytest.mark.parametrize("numbers", [(3, 0, 2), tuple(reversed(range(40)))])
def test_each_row_holds_what_the_service_would_see_in_the_index_order(raw: Path, numbers: tuple[int, ...]) -> None:
    write_pixels(rows_of(raw, *numbers), raw, 24, raw.parent / "pixels.npy")
    stored = read_pixels(raw.parent / "pixels.npy")
    assert (stored.shape, stored.dtype) == ((len(numbers), 24, 24), np.uint8)
    for found, number in zip(stored, numbers, strict=True):
        np.testing.assert_array_equal(found, to_pixels((raw / f"{number}.png").read_bytes(), 24))


def test_writing_again_leaves_nothing_of_the_first_store(raw: Path) -> None:
    for numbers in ((0, 1), (2, 3, 4)):
        write_pixels(rows_of(raw, *numbers), raw, 24, raw.parent / "pixels.npy")
    stored = read_pixels(raw.parent / "pixels.npy")
    np.testing.assert_array_equal(stored[0], to_pixels((raw / "2.png").read_bytes(), 24))
    assert len(stored) == 3


def test_no_rows_are_a_store_too(tmp_path: Path) -> None:
    write_pixels([], tmp_path, 24, tmp_path / "pixels.npy")
    assert read_pixels(tmp_path / "pixels.npy").shape == (0, 24, 24)


def test_the_store_can_not_be_written_to_by_its_readers(raw: Path) -> None:
    write_pixels(rows_of(raw, 0), raw, 24, raw.parent / "pixels.npy")
    with pytest.raises(ValueError, match="read-only"):
        read_pixels(raw.parent / "pixels.npy")[0, 0, 0] = 1


@pytest.mark.parametrize("content", [None, b"", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_changed_since_it_was_indexed_stops_the_stage_and_leaves_no_store(
    content: bytes | None, raw: Path
) -> None:
    (raw / "1.png").unlink()
    if content is not None:
        (raw / "1.png").write_bytes(content)
    with pytest.raises(CxrError, match=r"1\.png has changed since it was indexed"):
        write_pixels(rows_of(raw, 0, 1, 2), raw, 24, raw.parent / "pixels.npy")
    assert [path.name for path in raw.parent.iterdir()] == ["raw"]


@pytest.mark.parametrize("kept", [0, 60, 500])
def test_a_store_that_is_cut_off_is_refused(kept: int, raw: Path) -> None:
    path = raw.parent / "pixels.npy"
    write_pixels(rows_of(raw, 0), raw, 24, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CxrError, match=r"pixels\.npy is not a whole pixel store"):
        read_pixels(path)


def test_a_missing_store_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(CxrError, match=r"pixels\.npy is missing; `dvc repro` makes it"):
        read_pixels(tmp_path / "pixels.npy")
