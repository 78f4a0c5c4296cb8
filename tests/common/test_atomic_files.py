import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cxr.common.atomic_files import read_json, remove, replace_when_complete, reserve, sha256_of, write_json
from cxr.common.errors import CxrError

ROOT = Path(__file__).parents[2]


def make(kind: str, path: Path, content: str) -> None:
    if kind == "file":
        path.write_text(content)
    else:
        path.mkdir()
        (path / "inside").write_text(content)


def content_of(path: Path) -> str:
    return (path / "inside").read_text() if path.is_dir() else path.read_text()


@pytest.mark.parametrize(
    ("before", "kind"),
    [("nothing", "file"), ("nothing", "folder"), ("file", "file"), ("file", "folder"), ("folder", "folder")],
)
def test_what_is_complete_takes_the_place_of_what_was_there(before: str, kind: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / "target"
    if before != "nothing":
        target.parent.mkdir()
        make(before, target, "old")
    with replace_when_complete(target) as partial:
        make(kind, partial, "new")
        assert before == "nothing" or content_of(target) == "old"
    assert content_of(target) == "new"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("fault", [OSError, KeyboardInterrupt])
def test_a_fault_leaves_what_was_there_and_nothing_half_written(kind: str, fault: type, tmp_path: Path) -> None:
    def break_off() -> None:
        with replace_when_complete(tmp_path / "target") as partial:
            make(kind, partial, "half")
            raise fault

    make(kind, tmp_path / "target", "old")
    with pytest.raises(fault):
        break_off()
    assert content_of(tmp_path / "target") == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "target"]


KILLED = """
import os, signal, sys
from pathlib import Path
from cxr.common.atomic_files import replace_when_complete
with replace_when_complete(Path(sys.argv[1])) as partial:
    if sys.argv[2] == "folder":
        partial.mkdir()
        partial = partial / "inside"
    with partial.open("w") as handle:
        handle.write("half")
        handle.flush()
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_killed_process_leaves_no_output_and_the_next_one_succeeds(kind: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    killed = subprocess.run([sys.executable, "-c", KILLED, target, kind], cwd=ROOT, check=False)
    assert killed.returncode == -9
    assert not target.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["target.partial"]
    with replace_when_complete(target) as partial:
        make(kind, partial, "whole")
    assert list(tmp_path.iterdir()) == [target]
    assert content_of(target) == "whole"


def test_removing_a_link_spares_what_it_points_to(tmp_path: Path) -> None:
    make("folder", tmp_path / "kept", "x")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove(tmp_path / "link")
    remove(tmp_path / "never there")
    assert content_of(tmp_path / "kept") == "x"
    assert not (tmp_path / "link").exists()


def test_json_comes_back_and_reads_well(tmp_path: Path) -> None:
    value = {"b": [1, 2.5, None], "a": "ü"}
    write_json(value, tmp_path / "x.json")
    assert read_json(tmp_path / "x.json") == value
    text = (tmp_path / "x.json").read_text()
    assert text.endswith("}\n")
    assert text.index('"a"') < text.index('"b"')


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_refuses_what_is_not_json_and_keeps_the_old_file(value: float, tmp_path: Path) -> None:
    write_json({"auc": 0.5}, tmp_path / "x.json")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"auc": value}, tmp_path / "x.json")
    assert read_json(tmp_path / "x.json") == {"auc": 0.5}
    assert list(tmp_path.iterdir()) == [tmp_path / "x.json"]


@pytest.mark.parametrize("content", [b'{"a": 1', b"", b"\xff\xfe\x00"])
def test_damaged_json_says_what_to_do(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(CxrError, match=r"x\.json is not JSON .*delete it and run"):
        read_json(tmp_path / "x.json")


def test_missing_json_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(CxrError, match=r"x\.json is missing; `dvc repro` makes it"):
        read_json(tmp_path / "x.json")


def test_the_hash_is_the_one_that_other_tools_give(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_of(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_reserved_room_keeps_the_content_and_is_zero_beyond(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    with (tmp_path / "x").open("r+b") as handle:
        reserve(handle, 10_000)
    assert (tmp_path / "x").read_bytes() == b"abc" + bytes(9_997)


def test_a_full_disk_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with (tmp_path / "x").open("wb") as handle, pytest.raises(OSError, match="No space left") as caught:
        reserve(handle, 10)
    assert caught.value.filename == str(tmp_path / "x")


def test_a_file_system_that_can_not_reserve_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(descriptor: int, offset: int, size: int) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "posix_fallocate", unknown, raising=False)
    with (tmp_path / "x").open("wb") as handle:
        reserve(handle, 10)
    assert (tmp_path / "x").stat().st_size == 10
