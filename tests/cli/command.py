"""The command line in this process, and what it wrote."""

import csv
from pathlib import Path

import pytest

from cxr.cli import program


def cxr(*arguments: object) -> int:
    """Run the command line in this process; its exit status."""
    with pytest.raises(SystemExit) as caught:
        program.main([str(argument) for argument in arguments])
    code = caught.value.code or 0
    assert isinstance(code, int)
    return code


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def only_sentence(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("cxr: ")
    assert err.count("\n") == 1
    return err
