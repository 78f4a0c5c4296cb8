"""A run that is killed, interrupted or fails: the same command continues, and no file is asked about twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from cxr.cli import predict
from tests.cli.command import cxr, table
from tests.labelled import pictures

ROOT = Path(__file__).parents[2]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Six pictures."""
    (tmp_path / "many").mkdir()
    for i, picture in enumerate(pictures(6, image_size=40)):
        Image.fromarray(picture).save(tmp_path / "many" / f"{i}.png")
    return tmp_path / "many"


class Counted:
    """`answer`, which fails once after so many answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fails_after: int, fault: type[BaseException]):
        self.asked = 0
        self.left = fails_after
        self.fault = fault
        self._answer = predict.answer
        monkeypatch.setattr(predict, "answer", self)

    def __call__(self, *arguments, **options):
        if self.left == 0:
            self.left = -1
            raise self.fault
        self.left -= 1
        self.asked += 1
        return self._answer(*arguments, **options)


def partials(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if ".partial" in path.name]


@pytest.mark.parametrize("fault", [MemoryError, KeyboardInterrupt])
def test_a_table_that_is_not_finished_is_not_there_and_the_next_run_continues(
    fault: type[BaseException],
    many: Path,
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "results.csv").write_text("the table of yesterday")
    counted = Counted(monkeypatch, 4, fault)
    command = ("predict", many, "--model", bundle, "--out", tmp_path / "results.csv")
    if fault is KeyboardInterrupt:
        assert cxr(*command) == 130
        assert "the same command continues" in capsys.readouterr().err
    else:
        with pytest.raises(fault):
            cxr(*command)
    assert (tmp_path / "results.csv").read_text() == "the table of yesterday"
    assert cxr(*command) == 0
    assert "continuing: 4 of 6 files have their row" in capsys.readouterr().err
    assert counted.asked == 6
    assert [Path(row["file"]).name for row in table(tmp_path / "results.csv")] == [f"{i}.png" for i in range(6)]
    assert partials(tmp_path) == []


def test_half_a_row_is_asked_again(many: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("predict", many, "--model", bundle, "--out", tmp_path / "results.csv")
    counted = Counted(monkeypatch, 3, MemoryError)
    with pytest.raises(MemoryError):
        cxr(*command)
    (name,) = partials(tmp_path)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[:-20])
    assert cxr(*command) == 0
    assert counted.asked == 3 + 4
    assert len({row["file"] for row in table(tmp_path / "results.csv")}) == 6


@pytest.mark.parametrize("other", [["--precision", "f32"], ["--explain", "maps"]])
def test_rows_of_other_options_are_not_mixed_in(
    other: list[str], many: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    counted = Counted(monkeypatch, 3, MemoryError)
    command = ("predict", many, "--model", bundle, "--out", "results.csv")
    with pytest.raises(MemoryError):
        cxr(*command)
    assert cxr(*command, *other) == 0
    assert counted.asked == 3 + 6
    assert partials(tmp_path) == []


def test_another_spelling_of_a_folder_is_another_run(
    many: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows have other names, so that each file would get two."""
    monkeypatch.chdir(tmp_path)
    Counted(monkeypatch, 3, MemoryError)
    with pytest.raises(MemoryError):
        cxr("predict", "many", "--model", bundle, "--out", "results.csv")
    assert cxr("predict", many, "--model", bundle, "--out", "results.csv") == 0
    assert [row["file"] for row in table(tmp_path / "results.csv")] == [str(many / f"{i}.png") for i in range(6)]


def test_a_finished_run_is_made_anew(many: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("predict", many, "--model", bundle, "--out", tmp_path / "results.csv")
    counted = Counted(monkeypatch, -1, MemoryError)
    assert cxr(*command) == cxr(*command) == 0
    assert counted.asked == 12


@pytest.mark.slow
def test_after_a_kill_every_file_has_exactly_one_row(bundle: Path, tmp_path: Path) -> None:
    """Killed at whatever it was doing, several times over."""
    (tmp_path / "many").mkdir()
    for i, picture in enumerate(pictures(300, image_size=40)):
        Image.fromarray(picture).save(tmp_path / "many" / f"{i:03}.png")
    program = [sys.executable, "-m", "cxr.cli", "predict", "many", "--model", str(bundle), "--out", "results.csv"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for _ in range(3):
        running = subprocess.Popen(program, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
        before = _size(tmp_path)
        while running.poll() is None and _size(tmp_path) < before + 4000:  # some ten rows more
            time.sleep(0.005)
        running.send_signal(signal.SIGKILL)
        running.wait(30)
    done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "cxr: continuing: " in done.stderr
    assert [row["file"] for row in table(tmp_path / "results.csv")] == [f"many/{i:03}.png" for i in range(300)]
    assert partials(tmp_path) == []


def _size(folder: Path) -> int:
    return sum((folder / name).stat().st_size for name in partials(folder))
