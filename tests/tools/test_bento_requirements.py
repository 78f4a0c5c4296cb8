"""What a bento installs is what uv.lock says, for the service alone."""

import shutil
import sys
from pathlib import Path

import pytest

from tools import bento_requirements

ROOT = Path(__file__).parents[2]
uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
pytestmark = pytest.mark.skipif(uv is None, reason="uv is not on this machine; `make check` installs it")


def test_the_file_is_as_uv_lock_has_it():
    assert bento_requirements.FILE.read_text(encoding="utf-8") == bento_requirements.exported()


def test_a_file_that_is_older_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    older = tmp_path / "requirements.txt"
    older.write_text("numpy==1.0\n")
    monkeypatch.setattr(bento_requirements, "ROOT", tmp_path)
    monkeypatch.setattr(bento_requirements, "FILE", older)
    monkeypatch.setattr(bento_requirements, "exported", lambda: "numpy==2.4.6\n")
    monkeypatch.setattr(sys, "argv", ["bento_requirements", "--check"])
    assert bento_requirements.main() == 1
    assert "run `python tools/bento_requirements.py`" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["bento_requirements"])
    assert bento_requirements.main() == 0
    assert older.read_text() == "numpy==2.4.6\n"
