"""One small pipeline on phantoms, run once and shared; tests that change it work on a copy."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tools.workspace import make_workspace

LOOKS = "reports/sealed/looks.jsonl"
SMALL = {
    "download": {
        "sources!": {
            "phantom": {
                "kind": "phantom",
                "train_on": ["COVID", "NonCOVID"],
                "patients": 40,
                "image_size": 96,
                "covid_fraction": 0.5,
                "seed": 5,
            }
        }
    },
    "pixels": {"image_size": 80},
    "gate": {"networks": 1, "epochs": 20, "versions": 100},
    "features": {
        "augmented_views": 2,
        "focus": "data/pixels.npy",  # phantoms bring no lung masks
        "weights": {"inceptionv3": "random", "vgg16": "random"},
    },
    "train": {"backbones": ["inceptionv3", "vgg16"], "epochs": 5},
    "evaluate": {"resamples": 100},
    "audit": {"masked_images": 10, "behaviour_images": 4, "images_per_source": 20, "permutations": 5},
    "register": {"model": "covid-cxr-test", "experiment": "covid-cxr-test", "promote": "better"},
}


@dataclass(frozen=True)
class Workspace:
    folder: Path

    def environment(self) -> dict[str, str]:
        """The test's interpreter first, as in an activated environment; stores inside the workspace."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "MLFLOW_", "GIT_"))}
        return {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "BENTOML_HOME": str(self.folder / "bentoml"),
            "DVC_NO_ANALYTICS": "true",
            "MPLCONFIGDIR": str(self.folder / "matplotlib"),
        }

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
        return done

    def dvc(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "dvc", *arguments, check=check)

    def repro(self) -> list[str]:
        """Run the pipeline; the names of the stages that were run or brought back from DVC's cache, in order."""
        return ran(self.dvc("repro").stdout)

    def copy(self, folder: Path) -> "Workspace":
        shutil.copytree(self.folder, folder, symlinks=True)
        return Workspace(folder)


def ran(output: str) -> list[str]:
    return re.findall(r"(?:Running stage|Stage) '([^']+)'(?:(?= is cached)|:)", output)


def small_workspace(folder: Path, *changes: dict) -> Workspace:
    """The small pipeline with these changes of its params: in an empty folder, or on what another run left there."""
    make_workspace(folder, [SMALL, *changes])
    return Workspace(folder)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which `dvc repro` has succeeded. Not to be changed."""
    workspace = small_workspace(tmp_path_factory.mktemp("pipeline") / "finished")
    workspace.repro()
    return workspace


def read(workspace: Workspace, path: str) -> Any:
    return json.loads((workspace.folder / path).read_text())


ALIAS = """
from mlflow import MlflowClient
print(MlflowClient("sqlite:///mlflow.db").get_model_version_by_alias("covid-cxr-test", "champion").version)
"""


def live(workspace: Workspace) -> tuple[str, str, list[str], Any]:
    """What answers: the alias, the served name, the stored models, the copy in the workspace."""
    alias = workspace.run(sys.executable, "-c", ALIAS).stdout.splitlines()[-1]
    store = workspace.folder / "bentoml"
    models = sorted(path.name for path in (store / "models/covid-cxr-test").iterdir() if path.is_dir())
    served = (store / "cxr-champions/covid-cxr-test").read_text().strip()
    return alias, served, models, read(workspace, "models/champion/model.json")
