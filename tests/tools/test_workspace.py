import argparse
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import workspace
from tools.workspace import make_workspace, merged, setting

ROOT = Path(__file__).parents[2]
BASE = {"train": {"epochs": 500, "backbones": ["a", "b"]}, "sources": {"covid": {"kind": "c"}}, "seed": 1}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, BASE),
        ({"train": {"epochs": 5}}, BASE | {"train": {"epochs": 5, "backbones": ["a", "b"]}}),
        ({"train": {"backbones": ["b"]}}, BASE | {"train": {"epochs": 500, "backbones": ["b"]}}),
        ({"sources": {"own": {"kind": "f"}}}, BASE | {"sources": {"covid": {"kind": "c"}, "own": {"kind": "f"}}}),
        ({"sources!": {"own": {"kind": "f"}}}, BASE | {"sources": {"own": {"kind": "f"}}}),
        ({"train": {"backbones!": []}}, BASE | {"train": {"epochs": 500, "backbones": []}}),
        ({"new": {"inner": {"deep!": 1}}}, BASE | {"new": {"inner": {"deep": 1}}}),
        ({"seed": {"inner!": 1}}, BASE | {"seed": {"inner": 1}}),
        ({"seed": None}, BASE | {"seed": None}),
        ({"sources": {"covid!": None}}, BASE | {"sources": {}}),
        ({"sources": {"gone!": None}}, BASE),
    ],
    ids=str,
)
def test_a_change_reaches_what_it_names_and_nothing_else(change: dict[str, Any], expected: dict[str, Any]) -> None:
    before = yaml.safe_dump(BASE)
    assert merged(BASE, change) == expected
    assert yaml.safe_dump(BASE) == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train.epochs=20", {"train": {"epochs": 20}}),
        ("train.dropout=0.5", {"train": {"dropout": 0.5}}),
        ("train.backbones=[vgg16]", {"train": {"backbones": ["vgg16"]}}),
        ("features.augmentation.horizontal_flip=false", {"features": {"augmentation": {"horizontal_flip": False}}}),
        ("download.sources.own.origin=/a b/c=d", {"download": {"sources": {"own": {"origin": "/a b/c=d"}}}}),
        ("seed='20'", {"seed": "20"}),
        ("seed=", {"seed": None}),
    ],
)
def test_a_setting_has_the_type_that_it_would_have_in_the_file(text: str, expected: dict[str, Any]) -> None:
    assert setting(text) == expected


def test_a_setting_without_a_value_is_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"'train\.epochs' has no value; write it as KEY=VALUE"):
        setting("train.epochs")


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project in place of this one."""
    root = tmp_path / "project"
    for name in (
        "cxr/evaluation/metrics.py",
        "cxr/__pycache__/old.pyc",
        "stages/train.py",
        "serving/app.py",
        ".dvc/plots/roc.json",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("first")
    (root / "dvc.yaml").write_text("stages: {}\n")
    (root / "params.yaml").write_text(yaml.safe_dump(BASE))
    monkeypatch.setattr(workspace, "ROOT", root)
    return root


def files(folder: Path) -> set[str]:
    """All but what DVC keeps for itself."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if not name.startswith((".dvc/tmp", ".dvc/config", ".dvc/cache", ".dvcignore"))}


@pytest.mark.slow
def test_a_workspace_holds_the_code_and_its_own_parameters(code: Path, tmp_path: Path) -> None:
    make_workspace(tmp_path / "demo", [{"train": {"epochs": 5}}, {"train": {"epochs": 6}, "seed": 2}])
    assert files(tmp_path / "demo") == {
        "cxr/evaluation/metrics.py",
        "stages/train.py",
        "serving/app.py",
        ".dvc/plots/roc.json",
        "dvc.yaml",
        "params.yaml",
    }
    params = yaml.safe_load((tmp_path / "demo" / "params.yaml").read_text())
    assert params == merged(BASE, {"train": {"epochs": 6}, "seed": 2})
    assert yaml.safe_load((code / "params.yaml").read_text()) == BASE


@pytest.mark.slow
def test_a_second_call_takes_over_the_code_and_keeps_data_and_cache(code: Path, tmp_path: Path) -> None:
    demo = tmp_path / "demo"
    make_workspace(demo, [{"seed": 2}])
    for kept in ("data/raw/a.png", "models/m/head.npz", "mlflow.db", ".dvc/cache/files/md5/00/1"):
        (demo / kept).parent.mkdir(parents=True, exist_ok=True)
        (demo / kept).write_text("made in the workspace")
    (code / "cxr" / "evaluation" / "metrics.py").unlink()
    (code / "cxr" / "evaluation" / "curves.py").write_text("second")
    (code / ".dvc" / "plots" / "roc.json").write_text("second")
    (code / "stages" / "train.py").write_text("second")
    make_workspace(demo, [])
    for kept in ("data/raw/a.png", "models/m/head.npz", "mlflow.db", ".dvc/cache/files/md5/00/1"):
        assert (demo / kept).read_text() == "made in the workspace"
    for renewed in ("cxr/evaluation/curves.py", ".dvc/plots/roc.json", "stages/train.py"):
        assert (demo / renewed).read_text() == "second"
    assert not (demo / "cxr" / "evaluation" / "metrics.py").exists()
    assert yaml.safe_load((demo / "params.yaml").read_text()) == BASE


def test_the_command_line_merges_files_and_settings_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, epochs in (("a.yaml", 5), ("b.yaml", 6)):
        (tmp_path / name).write_text(f"train: {{epochs: {epochs}, from: {name}}}")
    (tmp_path / "nothing.yaml").write_text("# only a comment\n")
    called = []
    monkeypatch.setattr(workspace, "make_workspace", lambda folder, changes: called.append((folder, changes)))
    monkeypatch.setattr(workspace.workspace_git, "commit", lambda folder, message: True)
    names = [argument for name in ("a.yaml", "b.yaml", "nothing.yaml") for argument in ("--params", tmp_path / name)]
    command = ["workspace.py", "demo", *names, "--set", "train.epochs=7", "--set", "seed=3"]
    monkeypatch.setattr(sys, "argv", [os.fspath(word) for word in command])
    workspace.main()
    ((folder, changes),) = called
    result: Any = BASE
    for change in changes:
        result = merged(result, change)
    assert folder == Path("demo")
    assert result == merged(BASE, {"train": {"epochs": 7, "from": "b.yaml"}, "seed": 3})


def test_the_project_itself_is_no_workspace(
    code: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Copying the code over itself would delete it first."""
    monkeypatch.setattr(sys, "argv", ["workspace", str(code)])
    with pytest.raises(SystemExit):
        workspace.main()
    assert "is the project itself; name another folder, such as demo" in capsys.readouterr().err
    assert (code / "stages" / "train.py").read_text() == "first"


def test_the_project_has_all_that_a_workspace_copies() -> None:
    assert [name for name in workspace.CODE if not (ROOT / name).exists()] == []
