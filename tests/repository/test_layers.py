"""Who may import whom: the contracts of pyproject.toml hold, and a breach breaks them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200"}
    command = [sys.executable, "-c", LINT]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_walls_between_the_packages_stand() -> None:
    found = lint(ROOT)
    assert found.returncode == 0, found.stdout


BREACHES = [
    # a module, what it must not import, the contract that says so
    ("cxr/data/splits.py", "import stages.split", "The library knows neither the stages"),
    ("cxr/inference/engine.py", "import bentoml", "The library knows neither the stages"),
    ("cxr/training/pipeline.py", "import dvc.repo", "The library knows neither the stages"),
    ("stages/train.py", "import stages.features", "Stages never import each other"),
    ("cxr/imaging/limits.py", "import cxr.inference.engine", "The packages of the library form layers"),
    ("cxr/data/splits.py", "import cxr.sources.base", "The packages of the library form layers"),
    ("cxr/common/labels.py", "import cxr.data.manifest", "The packages of the library form layers"),
    ("serving/routes.py", "import cxr.data.manifest", "The service needs nothing beyond what answers"),
    ("cxr/evaluation/metrics.py", "import keras", "Only the networks, their export and fine-tuning need Keras"),
    (
        "cxr/training/head_training.py",
        "import tensorflow",
        "Only the networks, their export and fine-tuning need Keras",
    ),
    ("cxr/evaluation/figures.py", "import mlflow", "Only cxr.tracking imports MLflow"),
    ("serving/app.py", "import mlflow", "Only cxr.tracking imports MLflow"),
    ("cxr/inference/answer.py", "import cxr.networks.backbones", "What answers runs without TensorFlow"),
    ("cxr/inference/head.py", "import pandas", "What answers runs without TensorFlow"),
]


@pytest.mark.slow
@pytest.mark.parametrize("contract", sorted({breach[2] for breach in BREACHES}))
def test_a_breach_is_noticed(contract: str, tmp_path: Path) -> None:
    """Each contract is broken in every way at once, in a copy; the report must name every one."""
    for package in ("cxr", "stages", "serving"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    here = [(module, line) for module, line, broken in BREACHES if broken == contract]
    for module, line in here:
        with (tmp_path / module).open("a") as handle:
            handle.write(f"\n{line}\n")
    found = lint(tmp_path)
    assert found.returncode != 0
    broken = found.stdout[found.stdout.index("Broken contracts") :]
    assert contract in broken
    for module, line in here:
        importer = module.removesuffix(".py").replace("/", ".")
        imported = line.split()[1]
        if imported.split(".")[0] not in ("cxr", "serving", "stages"):
            imported = imported.split(".")[0]
        assert any(f"{importer} -> {imported}" in shown for shown in broken.splitlines()), broken


@pytest.mark.slow
def test_every_stage_lists_every_module_that_it_imports() -> None:
    command = [sys.executable, "tools/stage_deps.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


HEAVY = (
    "tensorflow",
    "keras",
    "mlflow",
    "openvino",
    "pandas",
    "sklearn",
    "matplotlib",
    "scipy",
    "imagehash",
    "kagglehub",
    "numba",
)
LIGHT = [
    "cxr.cli",
    *(
        f"stages.{name}"
        for name in (
            "download",
            "index",
            "pixels",
            "copies",
            "split",
            "gate",
            "features",
            "train",
            "evaluate",
            "register",
        )
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("module", LIGHT)
def test_importing_loads_nothing_heavy_and_does_nothing(module: str, tmp_path: Path) -> None:
    """What a stage needs is loaded when it is used: the start must not cost seconds, nor leave traces."""
    program = f"import sys, {module}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []
