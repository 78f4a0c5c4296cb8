"""What does the pipeline cost beside the work on the images? `dvc repro` of every stage over a handful of phantoms:
starting processes, Keras' export of the trunk, compiling, MLflow, figures, registering."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measuring import run_question
from tools.workspace import make_workspace

ROOT = Path(__file__).resolve().parents[1]


def measure(patients: int = 60, side: int = 75) -> dict[str, Any]:
    changes = yaml.safe_load((ROOT / "params" / "demo.yaml").read_text(encoding="utf-8"))
    changes["download"]["sources!"]["phantom"] |= {"patients": patients, "side": side}
    changes["pixels"]["side"] = side
    changes["train"] |= {"backbones": ["inceptionv3"], "epochs": 2}
    with tempfile.TemporaryDirectory() as name:
        workspace = Path(name) / "work"
        make_workspace(workspace, [changes])
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "BENTOML_HOME": str(Path(name) / "bentoml"),
        }
        command = [sys.executable, "-m", "dvc", "repro", "register"]
        started = time.perf_counter()
        done = subprocess.run(  # noqa: S603 - our own stages
            command, cwd=workspace, env=environment, capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"dvc repro failed: {done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return {"size": {"patients": patients, "side": side}, "seconds": seconds}


if __name__ == "__main__":
    run_question(measure)
