import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import workspace, workspace_git
from tools.workspace_git import commit

STAGE = """
import json, yaml
rate = yaml.safe_load(open("params.yaml"))["rate"]
json.dump({"auc": 1 - rate}, open("headline.json", "w"))
open("curve.csv", "w").write(f"x,y\\n0,0\\n1,{rate}\\n")
"""
PIPELINE = """
stages:
  train:
    cmd: python -m stages.train
    deps: [stages/train.py]
    params: [rate]
    metrics: [headline.json]
    plots: [curve.csv: {x: x, y: y}]
"""


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one stage that takes a moment, in place of this one."""
    root = tmp_path / "project"
    for name in ("cxr", "serving", "stages", ".dvc/plots"):
        (root / name).mkdir(parents=True)
        (root / name / "__init__.py").touch()
    (root / "stages" / "train.py").write_text(STAGE)
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "params.yaml").write_text("rate: 0.1\n")
    monkeypatch.setattr(workspace, "ROOT", root)
    monkeypatch.setenv("HOME", str(tmp_path))  # git knows nobody
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return root


def make(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["workspace", str(folder)])
    workspace.main()


def run(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def dvc(folder: Path, *arguments: str) -> str:
    return run(folder, sys.executable, "-m", "dvc", *arguments)


@pytest.mark.slow
def test_the_readmes_first_comparisons_work(code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = tmp_path / "demo"
    make(demo, monkeypatch)
    dvc(demo, "repro")
    assert commit(demo, "a finished run")
    assert "trained" in dvc(demo, "exp", "run", "--name", "trained", "-S", "rate=0.3")
    shown = dvc(demo, "exp", "show", "--csv")
    assert "trained" in shown
    assert ",0.7,0.3," in shown
    assert json.loads(dvc(demo, "metrics", "diff", "--json"))["headline.json"]["auc"]["diff"] == pytest.approx(-0.2)
    rate = json.loads(dvc(demo, "params", "diff", "--json"))["params.yaml"]["rate"]
    assert (rate["old"], rate["new"]) == (0.1, 0.3)
    dvc(demo, "plots", "diff", "HEAD", "--out", "plots")
    assert "curve_csv" in (demo / "plots" / "index.html").read_text()


@pytest.mark.slow
def test_new_code_in_an_old_workspace_is_one_more_commit(
    code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = tmp_path / "demo"
    make(demo, monkeypatch)
    make(demo, monkeypatch)
    assert run(demo, "git", "log", "--format=%an: %s").splitlines() == ["workspace: code and parameters"]
    (code / "stages" / "train.py").write_text(STAGE + "# changed\n")
    make(demo, monkeypatch)
    assert len(run(demo, "git", "log", "--format=%s").splitlines()) == 2
    assert run(demo, "git", "status", "--porcelain") == ""


def repository(folder: Path) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "a.png").write_text("a picture")
    (folder / "params.yaml").write_text("rate: 0.1\n")
    return folder


def test_what_the_pipeline_makes_is_not_committed(tmp_path: Path) -> None:
    folder = repository(tmp_path / "w")
    (folder / ".gitignore").write_text("/mine/\n")
    assert commit(folder, "first")
    assert run(folder, "git", "ls-files").split() == [".gitignore", "params.yaml"]
    assert (folder / ".gitignore").read_text().startswith("/mine/\n/.dvc/cache/\n")


def test_a_workspace_inside_a_checkout_is_a_repository_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, "git", "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))  # as in a hook
    commit(repository(tmp_path / "demo"), "first")
    monkeypatch.delenv("GIT_DIR")
    assert run(tmp_path / "demo", "git", "rev-parse", "--show-toplevel").strip() == str(tmp_path / "demo")
    assert run(tmp_path, "git", "config", "--local", "--list").count("user.") == 0


def test_without_git_a_sentence_says_what_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    workspace_git.main(repository(tmp_path / "w"), "first")
    assert capsys.readouterr().err == (
        f"git is not installed, so {tmp_path / 'w'} has no history: `dvc exp` and DVC's `diff` commands do not work "
        "there\n"
    )
    assert not (tmp_path / "w" / ".git").exists()
