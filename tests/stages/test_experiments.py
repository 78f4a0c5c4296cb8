"""What `register` and `make promote` know an experiment by: the variable that DVC sets in every kind of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cxr.common.errors import CxrError
from cxr.promotion.moves import EXPERIMENT
from tools.promote import promote

PROBE = f"import os, pathlib; pathlib.Path(os.environ['SEEN'], os.environ.get('{EXPERIMENT}', '')).touch()"
STAGE = "stages:\n  register:\n    cmd: python probe.py\n    params: [tried]\n"


def run(folder: Path, *command: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_"))}
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SEEN": str(folder.parent / "seen"),
        "DVC_NO_ANALYTICS": "true",
    }
    done = subprocess.run(command, cwd=folder, env=kept | own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_dvc_says_so_in_an_experiment_of_every_kind(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    folder = tmp_path / "project"
    seen.mkdir()
    folder.mkdir()
    (folder / "probe.py").write_text(PROBE)
    (folder / "dvc.yaml").write_text(STAGE)
    (folder / "params.yaml").write_text("tried: 0\n")
    run(folder, "git", "init", "--quiet")
    run(folder, sys.executable, "-m", "dvc", "init", "--quiet")
    run(folder, "git", "add", ".")
    identity = ("-c", "user.email=someone@example.org", "-c", "user.name=Someone")
    run(folder, "git", *identity, "commit", "--quiet", "--message", "a baseline")
    kinds = {"here": (), "apart": ("--temp",), "queued": ("--queue",)}
    for number, (name, words) in enumerate(kinds.items(), 1):
        command = ("exp", "run", "--quiet", "--name", name, "--set-param", f"tried={number}", *words)
        run(folder, sys.executable, "-m", "dvc", *command)
    run(folder, sys.executable, "-m", "dvc", "exp", "run", "--quiet", "--run-all")
    assert {path.name for path in seen.iterdir()} == set(kinds)


def test_an_experiment_promotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EXPERIMENT, "swift-fox")
    with pytest.raises(CxrError, match="an experiment of DVC promotes nothing"):
        promote(3)
