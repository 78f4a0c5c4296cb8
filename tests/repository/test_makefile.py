"""The Makefile in a folder whose name has a space, and what its servers are told. Nothing is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
PROGRAM = '#!/bin/sh\nprintf "%s|" "$(basename "$0")" "$PWD" "$@"\necho\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What make needs, with programs that print how they were called."""
    folder = tmp_path / "a folder with spaces"
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for workspace in ("my work", "demo"):
        (folder / workspace).mkdir()
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("uv", "python", "dvc", "mlflow", "bentoml", "gh"):
        (programs / name).write_text(PROGRAM)
        (programs / name).chmod(0o755)
    for stamp in (".pipeline", ".dev", ".clinic"):
        (folder / ".venv" / stamp).touch()
    return folder


def make(folder: Path, *arguments: str, status: int = 0) -> str:
    command = ["make", "--no-print-directory", "--silent", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_folder_with_spaces_is_one_word_everywhere(project: Path) -> None:
    assert "demo" in make(project, "help")
    said = make(project, "demo", "ui", "lock", "WORK=my work")
    assert f"python|{project}|-m|tools.workspace|demo|--params|params/demo.yaml|" in said
    assert f"mlflow|{project}/my work|server|" in said
    assert f"uv|{project}|lock|--upgrade|" in said


def test_mirrors_with_spaces_reach_the_workspace_as_one_word(project: Path) -> None:
    said = make(project, "real", "MIRROR=../the mirror", "WEIGHTS=/a file.h5", "WORK=my work")
    origin = f"download.sources.covid_chestxray.origin={project}/../the mirror/covid-chestxray-dataset"
    assert "|-m|tools.workspace|my work|--params|params/real.yaml|--set|" in said
    assert f"|--set|{origin}|" in said
    assert "|features.weights.inceptionv3=/a file.h5|" in said


def test_a_changed_lock_is_installed_anew(project: Path) -> None:
    (project / ".venv" / ".pipeline").unlink()
    assert f"uv|{project}|sync|--quiet|--frozen|" in make(project, "install")


def test_the_servers_take_host_and_port(project: Path) -> None:
    said = make(project, "ui")
    assert "tools/free_port.py|127.0.0.1|5000|" in said
    assert "|--host|127.0.0.1|--port|5000|--backend-store-uri|" in said
    said = make(project, "ui", "HOST=0.0.0.0", "PORT=5001", "ALLOWED_HOSTS=a.example,b.example")
    assert "tools/free_port.py|0.0.0.0|5001|" in said
    assert "|--host|0.0.0.0|--port|5001|--allowed-hosts|a.example,b.example|" in said
    assert "tools/free_port.py|127.0.0.1|3000|" in make(project, "serve")
    assert f"python|{project}|-m|tools.clinic|demo|--host|127.0.0.1|--port|8042|" in make(project, "clinic")
    assert "|tools.clinic|my work|--host|127.0.0.1|--port|9|" in make(project, "clinic", "WORK=my work", "PORT=9")


def test_a_downloaded_zip_gets_a_sentence_that_helps(project: Path) -> None:
    said = make(project, "repro", status=2)
    assert (
        "this folder is no git repository, as DVC expects; type `git init && git add . && git commit -m start`" in said
    )
    (project / ".dvc").mkdir()
    (project / ".dvc" / "config.local").write_text("[core]\n    no_scm = true\n")
    assert f"dvc|{project}|repro|" in make(project, "repro")
