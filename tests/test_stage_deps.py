import sys
from pathlib import Path

import pytest
import yaml

from tools import stage_deps
from tools.stage_deps import modules_of

FILES = {
    "stages/__init__.py": '"""Nothing but a docstring."""\n',
    "stages/split.py": "import csv\nfrom cxr.manifest import a\nfrom cxr import labels\nimport cxr.sources.folder\n",
    "stages/train.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from cxr.splits import Row\n",
    "cxr/__init__.py": "",
    "cxr/manifest.py": "def read_rows():\n    from cxr.files import read\n    return read\n",
    "cxr/files.py": "from cxr import errors, manifest  # in a circle\n",
    "cxr/errors.py": "class Fault(Exception): ...\n",
    "cxr/labels.py": "CLASSES = ()\n",
    "cxr/splits.py": "import cxr.labels\n",
    "cxr/sources/__init__.py": "SOURCES = {}\n",
    "cxr/sources/folder.py": "import os.path\nimport numpy\n",
}
OF_SPLIT = [
    "cxr/errors.py",
    "cxr/files.py",
    "cxr/labels.py",
    "cxr/manifest.py",
    "cxr/sources/__init__.py",
    "cxr/sources/folder.py",
    "stages/split.py",
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    write_pipeline(tmp_path, [*OF_SPLIT, "data/index.csv"], ["stages/train.py", "data/split.csv"])
    monkeypatch.setattr(stage_deps, "ROOT", tmp_path)
    return tmp_path


def write_pipeline(root: Path, split: list[str], train: list[str]) -> None:
    stages = {"split": {"cmd": "python -m stages.split", "deps": split}, "train": {"cmd": "x", "deps": train}}
    (root / "dvc.yaml").write_text("# The graph.\n" + yaml.safe_dump({"stages": stages}, sort_keys=False))


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["stage_deps.py", *arguments])
    stage_deps.main()


def test_what_a_stage_imports_at_any_depth_is_found_once_and_sorted(project: Path) -> None:
    """Inside functions, in a circle, a name of a package, a package on the way; no other project's modules."""
    assert modules_of("split", project) == OF_SPLIT


def test_imports_for_type_checkers_do_not_count(project: Path) -> None:
    assert modules_of("train", project) == ["stages/train.py"]


def test_a_relative_import_is_followed_too(project: Path) -> None:
    (project / "cxr" / "labels.py").write_text("from .splits import Row\nfrom . import errors\n")
    (project / "cxr" / "sources" / "folder.py").write_text("from ..splits import Row\n")
    assert "cxr/splits.py" in modules_of("split", project)
    (project / "cxr" / "labels.py").write_text("")
    assert "cxr/splits.py" in modules_of("split", project)


def test_a_pipeline_in_line_passes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (project / "dvc.yaml").read_text()
    run(monkeypatch, "--check")
    run(monkeypatch)
    assert (project / "dvc.yaml").read_text() == before


@pytest.mark.parametrize("deps", [OF_SPLIT[1:], [*OF_SPLIT, "cxr/splits.py"], ["data/index.csv"]])
def test_a_pipeline_out_of_line_is_named_and_not_changed_by_a_check(
    deps: list[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pipeline(project, deps, ["stages/train.py"])
    before = (project / "dvc.yaml").read_text()
    with pytest.raises(SystemExit, match=r"dvc\.yaml: deps of split are not what the stages import; run `make deps`"):
        run(monkeypatch, "--check")
    assert (project / "dvc.yaml").read_text() == before


def test_a_pipeline_is_brought_in_line_and_keeps_data_and_comments(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pipeline(project, ["cxr/gone.py", "data/index.csv", "stages/split.py"], ["stages/train.py"])
    run(monkeypatch)
    text = (project / "dvc.yaml").read_text()
    assert text.startswith("# The graph.\n")
    assert yaml.safe_load(text)["stages"]["split"]["deps"] == [*OF_SPLIT, "data/index.csv"]
    run(monkeypatch, "--check")
