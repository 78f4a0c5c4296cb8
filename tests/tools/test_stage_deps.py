import subprocess
import sys
from pathlib import Path

import pytest
import yaml

TOOL = Path(__file__).parents[2] / "tools" / "stage_deps.py"

FILES = {
    "stages/__init__.py": "",
    "stages/split.py": "from cxr.data.manifest import a\nfrom cxr.common import labels\nimport cxr.sources.folder\n",
    "stages/train.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from cxr.data.splits import Row\n",
    "cxr/__init__.py": "",
    "cxr/common/__init__.py": "",
    "cxr/common/labels.py": "CLASSES = ()\n",
    "cxr/data/__init__.py": "",
    "cxr/data/manifest.py": "def read_rows():\n    from cxr.imaging.decode import read\n    return read\n",
    "cxr/data/splits.py": "import cxr.common.labels\n",
    "cxr/imaging/__init__.py": "",
    "cxr/imaging/decode.py": "from cxr.data import manifest  # in a circle\n",
    "cxr/gate/__init__.py": "",
    "cxr/gate/train.py": "",
    "cxr/sources/__init__.py": "",
    "cxr/sources/folder.py": "import os.path\nimport numpy\n",
    "serving/__init__.py": "",
    "serving/store.py": "",
}
OF_SPLIT = ["cxr/common", "cxr/data", "cxr/imaging", "cxr/sources", "stages/split.py"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    write_pipeline(tmp_path, [*OF_SPLIT, "data/index.csv"], ["stages/train.py", "data/split.csv"])
    return tmp_path


def write_pipeline(root: Path, split: list[str], train: list[str]) -> None:
    stages = {"split": {"cmd": "python -m stages.split", "deps": split}, "train": {"cmd": "x", "deps": train}}
    (root / "dvc.yaml").write_text("# The graph.\n" + yaml.safe_dump({"stages": stages}, sort_keys=False))


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOL), "--root", str(project), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def deps_of(stage: str, project: Path) -> list[str]:
    assert run(project).returncode == 0
    return yaml.safe_load((project / "dvc.yaml").read_text())["stages"][stage]["deps"]


def test_the_packages_that_a_stage_imports_at_any_depth_are_found_once_and_sorted(project: Path) -> None:
    """Inside functions, in a circle, a module by name or out of its package; no other project's modules."""
    write_pipeline(project, ["data/index.csv"], [])
    assert deps_of("split", project) == [*OF_SPLIT, "data/index.csv"]


def test_the_service_is_one_dependency(project: Path) -> None:
    (project / "stages" / "train.py").write_text("from serving.store import publish\n")
    assert deps_of("train", project) == ["serving", "stages/train.py", "data/split.csv"]


def test_imports_for_type_checkers_do_not_count(project: Path) -> None:
    assert deps_of("train", project) == ["stages/train.py", "data/split.csv"]


def test_a_relative_import_is_followed_too(project: Path) -> None:
    (project / "cxr" / "sources" / "folder.py").write_text("from ..gate import train\n")
    assert "cxr/gate" in deps_of("split", project)


def test_a_pipeline_in_line_passes(project: Path) -> None:
    before = (project / "dvc.yaml").read_text()
    assert run(project, "--check").returncode == 0
    assert run(project).returncode == 0
    assert (project / "dvc.yaml").read_text() == before


@pytest.mark.parametrize("deps", [OF_SPLIT[1:], [*OF_SPLIT, "cxr/gate"], ["data/index.csv"]])
def test_a_pipeline_out_of_line_is_named_and_not_changed_by_a_check(deps: list[str], project: Path) -> None:
    write_pipeline(project, deps, ["stages/train.py"])
    before = (project / "dvc.yaml").read_text()
    checked = run(project, "--check")
    assert checked.returncode == 1
    assert checked.stderr == "dvc.yaml: deps of split are not what the stages import; run `make deps`\n"
    assert (project / "dvc.yaml").read_text() == before


def test_a_pipeline_is_brought_in_line_and_keeps_data_and_comments(project: Path) -> None:
    write_pipeline(project, ["cxr/gone", "data/index.csv", "stages/split.py"], ["stages/train.py"])
    assert deps_of("split", project) == [*OF_SPLIT, "data/index.csv"]
    assert (project / "dvc.yaml").read_text().startswith("# The graph.\n")
    assert run(project, "--check").returncode == 0
