import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cxr.common.errors import CxrError, ImageError, ModelError, ParamsError, SourceError
from cxr.common.stage_runner import run_stage

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def as_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/stages/split.py"])
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "2")  # so that what the stage sets is undone


def stopped(fault: BaseException) -> str:
    """The sentence with which a stage ends that meets `fault`; given to sys.exit, it means exit status 1."""

    def main() -> str:
        raise fault

    with pytest.raises(SystemExit) as caught:
        run_stage(main)
    assert isinstance(caught.value.code, str)
    assert "\n" not in caught.value.code
    return caught.value.code


def test_a_stage_that_succeeds_says_one_line_with_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    run_stage(lambda: "3 images in, 2 out")
    out, err = capsys.readouterr()
    assert out.startswith("split: 3 images in, 2 out, ")
    assert out.endswith(" s\n")
    assert err == ""


@pytest.mark.parametrize(
    "fault",
    [
        CxrError("why"),
        SourceError("why"),
        ModelError("why"),
        ImageError("corrupt", "why"),
        ParamsError("why"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_an_expected_fault_is_one_sentence(fault: Exception) -> None:
    assert stopped(fault) == "split: why"


def test_a_full_disk_is_one_sentence_with_the_file() -> None:
    fault = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "data/pixels.npy")
    assert stopped(fault) == "split: No space left on device: data/pixels.npy; free space on the disk, then run again"


def write_to_full_disk() -> str:
    with open("/dev/full", "w") as handle:
        handle.write("x" * 100_000)
    return "written"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_disk_that_is_full_in_the_middle_of_a_file_is_one_sentence() -> None:
    """The system then names no file."""
    with pytest.raises(SystemExit, match="split: No space left on device; free space on the disk, then run again"):
        run_stage(write_to_full_disk)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOENT])
def test_a_file_that_can_not_be_used_is_one_sentence_with_the_file(number: int) -> None:
    said = stopped(OSError(number, os.strerror(number), "data/index.csv"))
    assert os.strerror(number) + ": data/index.csv; " in said


def test_an_interruption_says_that_it_can_go_on() -> None:
    assert "run it again, what is complete is kept" in stopped(KeyboardInterrupt())


@pytest.mark.parametrize("defect", [ValueError("a bug"), KeyError("a"), OSError("no file, no number")], ids=repr)
def test_a_defect_keeps_its_traceback(defect: Exception) -> None:
    def main() -> str:
        raise defect

    with pytest.raises(type(defect)) as caught:
        run_stage(main)
    assert caught.value is defect


AS_A_PROCESS = """
from cxr.common.errors import CxrError
from cxr.common.stage_runner import run_stage
def main():
    {body}
run_stage(main)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "status", "lines_said", "lines_of_error"),
    [
        ("return 'done'", 0, 1, 0),
        ("raise CxrError('a sentence')", 1, 0, 1),
    ],
)
def test_the_exit_status_tells_success_from_failure(
    body: str, status: int, lines_said: int, lines_of_error: int, tmp_path: Path
) -> None:
    (tmp_path / "stage.py").write_text(AS_A_PROCESS.format(body=body))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, tmp_path / "stage.py"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert len(done.stdout.splitlines()) == lines_said
    assert len(done.stderr.splitlines()) == lines_of_error
