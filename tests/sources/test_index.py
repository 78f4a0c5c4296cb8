import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr.data.manifest import LungMask, OtherView, RejectedRow, read_rows, write_rows
from cxr.imaging.limits import MAX_FILE_BYTES
from cxr.sources import SOURCES, Candidate, Listing
from cxr.sources.folder import FolderParams
from cxr.sources.index import build_index
from cxr.sources.mirror import LEFT_OUT
from cxr.sources.settings import DownloadParams
from tests.labelled import pictures

CLASSES = {"covid": "COVID", "other": "NonCOVID"}
EVERY_LABEL = ("NonCOVID", "COVID")


def folder(*train_on: str) -> FolderParams:
    return FolderParams("folder", "unused: the files are in place", CLASSES, r"^([a-z0-9]+)", train_on or EVERY_LABEL)


def one_source(name: str = "own") -> DownloadParams:
    return DownloadParams(sources={name: folder()}, external={})


def put(file: Path, content: bytes | np.ndarray, **options) -> Path:
    """A picture, as PNG unless the name says otherwise, or any bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, np.ndarray):
        Image.fromarray(content).save(file, **options)
    else:
        file.write_bytes(content)
    return file


def encoded(picture: np.ndarray, kind: str) -> bytes:
    with io.BytesIO() as buffer:
        Image.fromarray(picture).save(buffer, kind)
        return buffer.getvalue()


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A source "own" with three usable pictures and one of each that is not."""
    first, second, third = pictures(3, image_size=48)
    put(tmp_path / "own/covid/a1.png", first)
    put(tmp_path / "own/covid/a2.jpg", second, quality=90)
    put(tmp_path / "own/other/b1.png", np.pad(third, ((0, 0), (0, 16))))
    put(tmp_path / "own/other/empty1.png", b"")
    put(tmp_path / "own/other/text1.png", b"this is no picture")
    put(tmp_path / "own/other/cut1.png", encoded(first, "PNG")[:900])
    put(tmp_path / "own/other/cut2.jpg", encoded(second, "JPEG")[:700])
    put(tmp_path / "own/other/notes.txt", b"hello")
    return tmp_path


def test_usable_pictures_become_rows_and_the_others_rejected_rows_with_a_reason(raw: Path) -> None:
    rows, rejected, *_ = build_index(one_source(), raw)
    assert [row.path for row in rows] == ["own/covid/a1.png", "own/covid/a2.jpg", "own/other/b1.png"]
    assert {row.path.removeprefix("own/other/"): row.reason for row in rejected} == {
        "cut1.png": "corrupt",
        "cut2.jpg": "corrupt",
        "empty1.png": "empty_file",
        "notes.txt": "no_row",
        "text1.png": "corrupt",
    }


def test_a_row_says_what_the_file_is(raw: Path) -> None:
    row = build_index(one_source(), raw)[0][2]
    assert (row.source, row.label, row.patient, row.role) == ("own", "NonCOVID", "own/b1", "train")
    assert (row.width, row.height) == (64, 48)
    assert len(row.sha256) == len(row.phash) == 64


def test_sixteen_bits_and_colour_are_usable(tmp_path: Path) -> None:
    picture = pictures(1, image_size=48)[0]
    put(tmp_path / "own/covid/deep1.png", picture.astype(np.uint16) * 257)
    put(tmp_path / "own/covid/rgba1.png", np.dstack([picture] * 3 + [np.full_like(picture, 255)]))
    put(tmp_path / "own/other/grey1.png", picture)
    rows, rejected, *_ = build_index(one_source(), tmp_path)
    assert rejected == []
    assert len(rows) == 3
    assert len({row.phash for row in rows}) == 1  # three ways to store one picture


def test_a_named_file_that_is_not_there_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = Listing([Candidate("covid/gone.png", "COVID", "p")])
    monkeypatch.setitem(SOURCES, "folder", replace(SOURCES["folder"], list_images=lambda *_: listing))
    rows, rejected, *_ = build_index(one_source(), tmp_path)
    assert rows == []
    assert [(row.path, row.reason) for row in rejected] == [("own/covid/gone.png", "no_file")]


def test_other_views_and_masks_are_named_below_the_folder_of_all_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = Listing(
        other_views=[OtherView("b.png", "own", "p", "ct"), OtherView("a.png", "own", "q", "lateral")],
        lung_masks=[LungMask("masks/b.png", "own", "covid/b.png"), LungMask("masks/a.png", "own", "")],
    )
    monkeypatch.setitem(SOURCES, "folder", replace(SOURCES["folder"], list_images=lambda *_: listing))
    index = build_index(one_source(), tmp_path)
    assert index.other_views == [
        OtherView("own/a.png", "own", "own/q", "lateral"),
        OtherView("own/b.png", "own", "own/p", "ct"),
    ]
    assert index.lung_masks == [
        LungMask("own/masks/a.png", "own", ""),
        LungMask("own/masks/b.png", "own", "own/covid/b.png"),
    ]


def test_the_same_bytes_under_both_labels_are_used_by_nobody(tmp_path: Path) -> None:
    same, other = pictures(2, image_size=48)
    for name in ("own/covid/x1.png", "own/other/y1.png", "own/covid/x2.png"):
        put(tmp_path / name, same)
    put(tmp_path / "own/covid/z1.png", other)
    rows, rejected, *_ = build_index(one_source(), tmp_path)
    assert [row.path for row in rows] == ["own/covid/z1.png"]
    assert [(row.path, row.reason, row.detail) for row in rejected] == [
        ("own/covid/x1.png", "conflicting_labels", "COVID"),
        ("own/covid/x2.png", "conflicting_labels", "COVID"),
        ("own/other/y1.png", "conflicting_labels", "NonCOVID"),
    ]


def test_the_same_bytes_under_one_label_are_kept(tmp_path: Path) -> None:
    for name in ("own/covid/x1.png", "own/covid/x2.png"):
        put(tmp_path / name, pictures(1, image_size=48)[0])
    rows, rejected, *_ = build_index(one_source(), tmp_path)
    assert (len(rows), rejected) == (2, [])


def test_what_an_image_may_be_used_for_follows_from_its_source_and_label(tmp_path: Path) -> None:
    for i, name in enumerate(("own/covid/a1.png", "own/other/b1.png", "far/covid/c1.png", "far/other/d1.png")):
        put(tmp_path / name, pictures(1, image_size=48, seed=i)[0])
    params = DownloadParams(sources={"own": folder("COVID")}, external={"far": folder()})
    roles = {row.path: row.role for row in build_index(params, tmp_path)[0]}
    assert roles == {
        "own/covid/a1.png": "train",
        "own/other/b1.png": "audit",
        "far/covid/c1.png": "external",
        "far/other/d1.png": "external",
    }


def test_two_sources_never_share_a_patient(tmp_path: Path) -> None:
    for i, name in enumerate(("one/covid/p1.png", "two/covid/p1.png")):
        put(tmp_path / name, pictures(1, image_size=48, seed=i)[0])
    params = DownloadParams(sources={"one": folder(), "two": folder()}, external={})
    assert {row.patient for row in build_index(params, tmp_path)[0]} == {"one/p1", "two/p1"}


def test_the_order_of_sources_and_listings_changes_nothing(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(4):
        put(raw / f"more/covid/m{i}.png", pictures(1, image_size=48, seed=10 + i)[0])
    names = ("own", "more")
    forwards = build_index(DownloadParams({name: folder() for name in names}, {}), raw)
    listed = SOURCES["folder"].list_images

    def backwards(*arguments) -> Listing:
        listing = listed(*arguments)
        return Listing(listing.candidates[::-1], listing.rejected[::-1])

    monkeypatch.setitem(SOURCES, "folder", replace(SOURCES["folder"], list_images=backwards))
    assert build_index(DownloadParams({name: folder() for name in reversed(names)}, {}), raw) == forwards


def test_every_candidate_is_a_row_or_a_rejected_row_over_several_processes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(90):
        data = encoded(pictures(1, image_size=24, seed=i % 60)[0], "PNG")
        damaged = {0: b"", 1: data[: len(data) // 2], 2: data[40:]}.get(int(rng.integers(8)), data)
        put(tmp_path / f"own/{('covid', 'other')[i % 7 == 0]}/p{i}.png", damaged)
    rows, rejected, *_ = build_index(one_source(), tmp_path)
    found = sorted(row.path for row in (*rows, *rejected))
    assert found == sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png"))
    assert {row.reason for row in rejected} == {"empty_file", "corrupt", "conflicting_labels"}


def test_a_picture_and_its_recompressed_copy_have_almost_the_same_hash(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:96, 0:96]
    smooth = (127 + 60 * np.sin(rows / 9) + 60 * np.cos(columns / 7 + rows / 20)).astype(np.uint8)
    put(tmp_path / "own/covid/a1.png", smooth)
    put(tmp_path / "own/covid/a2.jpg", np.asarray(Image.fromarray(smooth).resize((200, 200))), quality=70)
    put(tmp_path / "own/covid/b1.png", pictures(1, image_size=96)[0])
    first, copy, other = (int(row.phash, 16) for row in build_index(one_source(), tmp_path)[0])
    assert (first ^ copy).bit_count() <= 24
    assert (first ^ other).bit_count() > 24


def test_a_picture_is_read_to_its_end(tmp_path: Path) -> None:
    """Of a picture that breaks off only in its last rows, the header still gives the size."""
    data = encoded(pictures(1, image_size=64)[0], "BMP")
    put(tmp_path / "own/covid/a1.bmp", data[:-100])
    rows, rejected, *_ = build_index(one_source(), tmp_path)
    assert rows == []
    assert [row.reason for row in rejected] == ["corrupt"]


def test_pictures_that_show_nothing_or_are_almost_all_dark_or_bright_do_not_teach(tmp_path: Path) -> None:
    good = pictures(1, image_size=64)[0]
    shown = {"good": good, "dark": good // 8, "bright": 255 - good // 8, "black": good * 0}
    for name, picture in shown.items():
        put(tmp_path / f"own/covid/{name}1.png", encoded(picture, "PNG"))
    rows, rejected, *_ = build_index(one_source(), tmp_path)
    assert [row.path for row in rows] == ["own/covid/good1.png"]
    assert {(row.path.removeprefix("own/covid/"), row.reason, row.detail) for row in rejected} == {
        ("dark1.png", "exposure", "exposure"),
        ("bright1.png", "exposure", "exposure"),
        ("black1.png", "exposure", "blank"),
    }


@pytest.mark.parametrize("letter", ["\r", "\n", "\x1b", "\u2028", "\udcff"])
def test_a_name_that_no_table_holds_is_a_reason(letter: str, tmp_path: Path) -> None:
    picture = pictures(1, image_size=48)[0]
    put(tmp_path / "own/covid/a1.png", picture)
    put(tmp_path / f"own/covid/b{letter}1.png", encoded(picture, "PNG"))
    put(tmp_path / f"own/covid/notes{letter}.txt", b"hello")
    rows, rejected, *_ = build_index(one_source(), tmp_path)
    assert [row.path for row in rows] == ["own/covid/a1.png"]
    said = ascii(letter)[1:-1]
    assert {(row.path, row.reason) for row in rejected} == {
        (f"own/covid/b{said}1.png", "bad_name"),
        (f"own/covid/notes{said}.txt", "no_row"),
    }
    write_rows(rejected, RejectedRow, tmp_path / "rejected.csv")
    assert read_rows(RejectedRow, tmp_path / "rejected.csv") == rejected


def test_what_the_mirrors_copy_left_out_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = RejectedRow("covid/gone.png", "own", "no_file", "named in the table")
    listing = Listing(rejected=[gone])
    monkeypatch.setitem(SOURCES, "folder", replace(SOURCES["folder"], list_images=lambda *_: listing))
    write_rows([replace(gone, reason="link_outside", detail="")], RejectedRow, tmp_path / "own" / LEFT_OUT)
    rejected = build_index(one_source(), tmp_path).rejected
    assert [(row.path, row.reason) for row in rejected] == [("own/covid/gone.png", "link_outside")]


def test_a_file_of_more_bytes_than_any_picture_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = put(tmp_path / "own/covid/a1.png", encoded(pictures(1, image_size=48)[0], "PNG"))
    os.truncate(huge, 3 * 2**30)  # full of holes: it takes no room
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("it was read"))
    rejected = build_index(one_source(), tmp_path).rejected
    assert [(row.path, row.reason, row.detail) for row in rejected] == [
        ("own/covid/a1.png", "too_large", f"{3 * 2**30} bytes")
    ]
    assert MAX_FILE_BYTES < 3 * 2**30


def test_other_views_that_are_too_large_teach_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("own/a.png", "own/masks/a.png"):
        os.truncate(put(tmp_path / name, b""), MAX_FILE_BYTES + 1)
    listing = Listing(
        other_views=[OtherView("a.png", "own", "p", "ct")], lung_masks=[LungMask("masks/a.png", "own", "")]
    )
    monkeypatch.setitem(SOURCES, "folder", replace(SOURCES["folder"], list_images=lambda *_: listing))
    index = build_index(one_source(), tmp_path)
    assert (index.other_views, index.lung_masks) == ([], [])
