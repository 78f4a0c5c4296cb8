"""Zips from outside: what is refused, and that nothing is written when it is."""

import io
import stat
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxr.sources.http.archives import BadArchiveError, Bounds, unpack

from .made import files_under, zip_of


def unpack_bytes(content: bytes, tmp_path: Path, bounds: Bounds | None = None) -> Path:
    archive = tmp_path / "in.zip"
    archive.write_bytes(content)
    unpack(archive, tmp_path / "out", lambda path: path, "test", bounds)
    return tmp_path / "out"


def refusal_of(content: bytes, tmp_path: Path, bounds: Bounds | None = None) -> str:
    with pytest.raises(BadArchiveError) as caught:
        unpack_bytes(content, tmp_path, bounds)
    assert files_under(tmp_path) == ["in.zip"]
    return str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/etc/evil", "C:/evil", "c:evil", "..\\evil", "a\\..\\..\\evil", "\\\\host\\evil"],
)
def test_a_path_that_climbs_out_is_refused_with_the_whole_archive(name: str, tmp_path: Path):
    sentence = refusal_of(zip_of({"fine": b"1", name: b"2"}), tmp_path)
    assert "climbs out of its folder" in sentence
    assert repr(name) in sentence


@given(name=st.text(alphabet="./\\:aC", min_size=1, max_size=8))
def test_no_name_writes_outside_the_folder(name: str, tmp_path_factory: pytest.TempPathFactory):
    tmp_path = tmp_path_factory.mktemp("zip")
    try:
        unpack_bytes(zip_of({"fine": b"1", name: b"2"}), tmp_path)
    except BadArchiveError:
        assert not (tmp_path / "out").exists()
    assert {path.split("/")[0] for path in files_under(tmp_path)} <= {"in.zip", "out"}


def test_a_symbolic_link_is_refused(tmp_path: Path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        zipped.writestr(link, "/etc/passwd")
    assert "symbolic link" in refusal_of(buffer.getvalue(), tmp_path)


def test_a_name_that_is_not_the_utf8_that_it_says_is_refused(tmp_path: Path):
    content = zip_of({"fine": b"1", "é": b"2"}).replace("é".encode(), b"\xff\xff")
    assert "not a sound zip file" in refusal_of(content, tmp_path)


def test_a_bomb_is_refused_by_its_size_and_by_its_count(tmp_path: Path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("zeros", bytes(10**6))
    assert "1000000 bytes" in refusal_of(buffer.getvalue(), tmp_path, Bounds(total_bytes=10**5))
    assert "5 files" in refusal_of(zip_of({f"{i}": b"" for i in range(5)}), tmp_path, Bounds(files=4))


def test_a_member_that_lies_about_its_size_is_refused(tmp_path: Path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("zeros", bytes(10**6))
    honest = (10**6).to_bytes(4, "little")
    assert "CRC" in refusal_of(buffer.getvalue().replace(honest, (10).to_bytes(4, "little")), tmp_path)


def test_a_name_that_comes_twice_is_refused(tmp_path: Path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            zipped.writestr("a", "2")
    assert "one file twice" in refusal_of(buffer.getvalue(), tmp_path)


def test_a_name_that_is_file_and_folder_is_refused(tmp_path: Path):
    assert "as a folder too" in refusal_of(zip_of({"a": b"1", "a/b": b"2"}), tmp_path)


def test_an_encrypted_member_is_refused(tmp_path: Path):
    content = bytearray(zip_of({"a": b"1"}))
    content[6] |= 1  # the flag in the member's own header
    content[content.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    assert "encrypted" in refusal_of(bytes(content), tmp_path)


def test_a_truncated_archive_is_refused(tmp_path: Path):
    assert "not a sound zip" in refusal_of(zip_of({"a": bytes(1000)})[:-10], tmp_path)


def test_an_archive_without_the_wanted_files_is_refused(tmp_path: Path):
    assert "none of the files" in refusal_of(zip_of({"__MACOSX/._a": b"1", ".hidden/b": b"2"}), tmp_path)


def test_hidden_files_and_folders_are_left_behind(tmp_path: Path):
    out = unpack_bytes(zip_of({"a/b": b"1", "a/._b": b"2", "__MACOSX/a/b": b"3", "empty/": b""}), tmp_path)
    assert files_under(out) == ["a/b"]


def test_what_an_earlier_unpacking_left_does_not_mix_in(tmp_path: Path):
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial/stale").write_bytes(b"")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/old").write_bytes(b"")
    assert files_under(unpack_bytes(zip_of({"a": b"1"}), tmp_path)) == ["a"]


def test_files_go_where_they_are_placed(tmp_path: Path):
    archive = tmp_path / "in.zip"
    archive.write_bytes(zip_of({"top/a": b"1", "top/b": b"2"}))
    unpack(archive, tmp_path / "out", lambda path: PurePosixPath(path.name) if path.name == "a" else None, "test")
    assert files_under(tmp_path / "out") == ["a"]
