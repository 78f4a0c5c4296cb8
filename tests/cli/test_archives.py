"""ZIP archives: read where they are, within limits, and nothing leads out of them."""

import struct
import zipfile
from pathlib import Path

import pytest

from cxr.cli import archives
from cxr.cli.inputs import entries_of
from tests.cli.command import cxr, table
from tests.fuzz.samples import ramp, saved

PICTURE = saved(ramp(), "PNG")


def packed(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def rows(path: Path, bundle: Path) -> dict[str, tuple[str, str]]:
    """Name within the archive to state and reason."""
    out = path.parent / "results.csv"
    cxr("predict", path, "--model", bundle, "--out", out)
    return {row["file"].removeprefix(f"{path}/"): (row["state"], row["reason"]) for row in table(out)}


def test_its_pictures_are_answered_and_what_no_person_packed_is_passed_over(bundle: Path, tmp_path: Path) -> None:
    names = ["a.png", "study/series/b.png", ".hidden", "__MACOSX/._a.png", "study/DICOMDIR", "notes.txt"]
    made = packed(tmp_path / "s.zip", dict.fromkeys(names, PICTURE) | {"notes.txt": b"hello", "empty/": b""})
    found = rows(made, bundle)
    assert set(found) == {"a.png", "study/series/b.png", "notes.txt"}
    assert found["notes.txt"] == ("failed", "not_a_picture")
    assert {found["a.png"][1], found["study/series/b.png"][1]} == {""}


def test_an_archive_in_a_folder_is_read_and_one_in_an_archive_is_not(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    inner = packed(tmp_path / "inner.zip", {"a.png": PICTURE}).read_bytes()
    packed(tmp_path / "in" / "s.ZIP", {"a.png": PICTURE, "inner.zip": inner})
    assert cxr("predict", tmp_path / "in", "--model", bundle, "--out", tmp_path / "r.csv") == 1
    assert [(Path(row["file"]).name, row["reason"]) for row in table(tmp_path / "r.csv")] == [
        ("a.png", ""),
        ("inner.zip", "unsupported"),
    ]


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "x/../../a.png", "C:\\a.png", "..\\a.png"])
def test_a_name_that_leads_out_is_refused(name: str, bundle: Path, tmp_path: Path) -> None:
    made = packed(tmp_path / "s.zip", {name: PICTURE, "good.png": PICTURE})
    found = sorted(reason for _, reason in rows(made, bundle).values())
    assert found == ["", "outside"]


def test_a_link_is_refused(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        info = zipfile.ZipInfo("link.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    assert rows(tmp_path / "s.zip", bundle) == {"link.png": ("failed", "outside")}


def test_a_file_that_claims_or_has_too_much_is_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 100_000)
    made = packed(tmp_path / "s.zip", {"bomb.png": bytes(200_000), "lying.png": bytes(150_000), "a.png": PICTURE})
    data = bytearray(made.read_bytes())
    listed = data.rindex(b"lying.png") - 46
    data[listed + 24 : listed + 28] = struct.pack("<I", 10)  # its size, as the archive's list tells it
    made.write_bytes(data)
    found = rows(made, bundle)
    assert found["bomb.png"] == ("failed", "too_large")
    assert found["lying.png"][0] == "failed"
    assert found["a.png"][1] == ""


def test_an_archive_that_grows_too_much_is_left(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 100_000)
    monkeypatch.setattr(archives, "MOST_GROWTH", 2)
    found = rows(packed(tmp_path / "s.zip", {f"{i}.png": bytes(60_000) for i in range(4)}), bundle)
    assert [found[f"{i}.png"][1] for i in range(4)] == ["not_a_picture", "too_large", "too_large", "too_large"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_grow_without_bound_are_not_read(method: int, bundle: Path, tmp_path: Path) -> None:
    assert rows(packed(tmp_path / "s.zip", {"a.png": PICTURE}, method), bundle) == {"a.png": ("failed", "unsupported")}


def test_an_encrypted_file_says_so(bundle: Path, tmp_path: Path) -> None:
    made = packed(tmp_path / "s.zip", {"a.png": PICTURE})
    data = bytearray(made.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    made.write_bytes(data)
    assert rows(made, bundle) == {"a.png": ("failed", "encrypted")}


def test_a_damaged_archive_is_one_row_and_a_damaged_file_too(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "s.zip").write_bytes(b"PK\x03\x04 and no more")
    cxr("predict", tmp_path / "s.zip", "--model", bundle, "--out", tmp_path / "r.csv")
    (row,) = table(tmp_path / "r.csv")
    assert (row["file"], row["reason"]) == (str(tmp_path / "s.zip"), "corrupt")
    made = packed(tmp_path / "t.zip", {"a.png": PICTURE, "b.png": PICTURE}, zipfile.ZIP_STORED)
    made.write_bytes(made.read_bytes().replace(PICTURE, PICTURE[:-9] + b"rotten!!!", 1))
    assert {reason for _, reason in rows(made, bundle).values()} == {"", "corrupt"}


def test_a_list_that_is_too_long_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = packed(tmp_path / "s.zip", {f"{i:050}.png": b"" for i in range(50)})
    assert len(entries_of([made])) == 50
    monkeypatch.setattr(archives, "MOST_AT_ONCE", 2000)
    (entry,) = entries_of([made])
    assert entry.fault is not None
    assert "too long" in str(entry.fault)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_looks_like_that_of_a_second_file_keeps_its_row(tmp_path: Path) -> None:
    names = ["x.png", "x.png", "x.png (2)", "x.png", "x.png (2)"]
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        for name in names:
            archive.writestr(name, PICTURE)
    assert len({entry.name for entry in entries_of([tmp_path / "s.zip"])}) == len(names)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_have_two_rows(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        archive.writestr("a.png", PICTURE)
        archive.writestr("a.png", b"other")
    first, second = entries_of([tmp_path / "s.zip"])
    assert second.name == f"{first.name} (2)"
    opened = archives.Archive(tmp_path / "s.zip")
    assert [opened.read(entry.member or 0) for entry in (first, second)] == [PICTURE, b"other"]
    opened.close()
