"""What the tutorials tell people to type, typed, in a finished workspace that stands in for that of `make demo`.

Left out is what needs the network, a service or another training: `make`, `curl`, `dvc repro` and what comes after it.
"""

import subprocess
from itertools import takewhile
from pathlib import Path

import pytest
import yaml

from cxr.common.config import load_params
from tests.pages import ROOT, blocks, lines
from tests.pipeline.conftest import Workspace
from tools import docs_params

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
TUTORIALS = ROOT / "docs" / "tutorials"
LEFT_OUT = ("make ", "curl ", "source ")


@pytest.fixture
def project(finished: Workspace, tmp_path: Path) -> Workspace:
    """What a person sees after `make demo`: the folder of the project, with a workspace `demo` in it."""
    finished.copy(tmp_path / "demo")
    for name in ("params", "tools"):
        (tmp_path / name).symlink_to(ROOT / name)
    return Workspace(tmp_path)


def type_all(project: Workspace, page: str) -> str:
    """Type the page's lines into one shell up to the first training; what it printed."""
    before = takewhile(lambda line: not line.startswith("dvc repro"), lines(TUTORIALS / page))
    typed = [line for line in before if not line.startswith(LEFT_OUT)]
    assert typed
    environment = project.environment() | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(typed)],
        cwd=project.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_answer(
    project: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = type_all(project, "first-answer.md")
    assert "data/raw/phantom/images/phantom-000001-1.png," in said
    demo = project.folder / "demo"
    pictures = list((demo / "data/raw/phantom/images").glob("*.png"))
    assert len((demo / "results.csv").read_text().splitlines()) == len(pictures) + 1
    assert any((demo / "heat-maps").iterdir())
    monkeypatch.chdir(demo)
    (code,) = blocks(TUTORIALS / "first-answer.md", "python")
    exec(code, {})
    assert "Not a medical device." in capsys.readouterr().out


def test_data_of_ones_own(project: Workspace) -> None:
    page = "your-own-data.md"
    (described,) = blocks(TUTORIALS / page, "yaml")
    (project.folder / "mine.yaml").write_text(described)
    type_all(project, page)
    folders = {folder.name: len(list(folder.iterdir())) for folder in (project.folder / "my-xrays").iterdir()}
    assert folders.keys() == yaml.safe_load(described)["download"]["sources!"]["our_hospital"]["classes"].keys()
    assert all(folders.values())
    for kind in docs_params.SETTINGS:
        load_params(kind, project.folder / "mine" / "params.yaml")
