"""`cxr` itself: version, help, completion."""

import shutil
import subprocess
from importlib.metadata import version

import pytest

from cxr.cli import program
from tests.cli.command import cxr


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cxr("--version") == 0
    assert capsys.readouterr().out == f"covid-cxr {version('covid-cxr')}\n"


def test_help_says_every_exit_status_and_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert cxr("predict", "--help") == 0
    said = capsys.readouterr().out
    for status in ("  0  ", "  1  ", "  2  ", "  130"):
        assert status in said
    assert "cxr predict study-folder --out results.csv --explain heat-maps --sr reports" in said


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_commands_and_options(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cxr("completion", shell) == 0
    script = capsys.readouterr().out
    for word in ("predict", "completion", "explain", "parquet"):
        assert word in script


def test_bash_takes_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    cxr("completion", "bash")
    asked = 'COMP_WORDS=(cxr predict --exp); COMP_CWORD=2; _shtab_cxr; echo "${COMPREPLY[@]}"'
    script = capsys.readouterr().out + asked
    done = subprocess.run([bash], input=script, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "--explain"


@pytest.mark.parametrize(
    ("words", "fault", "said"),
    [
        (("predict", "x"), KeyboardInterrupt(), "interrupted; with --out, the same command continues where this one"),
        (("node", "--config", "x"), KeyboardInterrupt(), "interrupted\n"),
        (("node", "--config", "x"), OSError(28, "No space left on device"), "No space left on device: while reading"),
        (("node", "--config", "x"), OSError("cut off"), "OSError: while reading or writing\n"),
    ],
)
def test_what_ends_a_command_is_told_in_words_that_fit_it(
    words: tuple[str, ...],
    fault: BaseException,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def end(_: object) -> int:
        raise fault

    monkeypatch.setattr(program, "_run", end)
    assert cxr(*words) == (130 if isinstance(fault, KeyboardInterrupt) else 2)
    assert capsys.readouterr().err.startswith(f"cxr: {said}")
