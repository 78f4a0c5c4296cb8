"""What the project starts opens no connection to another machine, whatever the libraries under it would like."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.labelled import pictures
from tests.outbound import Outbound
from tests.serving.bento_server import put_model, served

ROOT = Path(__file__).parents[1]
FEW_PHANTOMS = ("--set", "download.sources.phantom.patients=4")
# As a stage: MLflow, NNCF and OpenVINO's converter are imported and used after run_stage has begun.
STAGE = """
from cxr.common.stage_runner import run_stage

def main():
    import mlflow, nncf, openvino, openvino.tools.ovc
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    with mlflow.start_run():
        mlflow.log_metric("auc", 0.5)
    return "done"

run_stage(main)
"""


@pytest.fixture
def outbound(tmp_path: Path) -> Outbound:
    return Outbound(tmp_path)


def run(outbound: Outbound, folder: Path, *arguments: object) -> str:
    environment = outbound.environment | {"PYTHONPATH": f"{outbound.environment['PYTHONPATH']}:{ROOT}"}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_report_would_be_seen(outbound: Outbound, tmp_path: Path) -> None:
    run(outbound, tmp_path, "-c", "import openvino")
    assert outbound.seen


def test_predict_reports_nothing(outbound: Outbound, tmp_path: Path, bundle: Path) -> None:
    Image.fromarray(pictures(1, image_size=40)[0]).save(tmp_path / "a.png")
    assert "COVID" in run(outbound, tmp_path, "-m", "cxr.cli", "predict", "a.png", "--model", bundle)
    assert outbound.seen == []


@pytest.mark.slow
def test_a_stage_reports_nothing(outbound: Outbound, tmp_path: Path) -> None:
    (tmp_path / "stage.py").write_text(STAGE)
    assert "done" in run(outbound, tmp_path, "stage.py")
    assert outbound.seen == []


@pytest.mark.slow
def test_repro_in_a_workspace_reports_nothing(outbound: Outbound, tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    run(outbound, ROOT, "-m", "tools.workspace", folder, "--params", ROOT / "params/demo.yaml", *FEW_PHANTOMS)
    assert "download: " in run(outbound, folder, "-m", "dvc", "repro", "download")
    time.sleep(1)  # DVC would report in a process that outlives it
    assert outbound.seen == []


@pytest.mark.slow
def test_serve_and_build_report_nothing(outbound: Outbound, tmp_path: Path, bundle: Path) -> None:
    """Typed by hand, without the Makefile: BentoML then asks for its switch before the project can set it."""
    home = tmp_path / "bentoml"
    put_model(home, bundle)
    own = {"PYTHONPATH": outbound.environment["PYTHONPATH"], "OUTBOUND": outbound.environment["OUTBOUND"]}
    with served(home, HOME=str(tmp_path), CXR_WORKERS="1", BENTOML_DO_NOT_TRACK="", CI="", **own):
        pass
    outbound.environment["BENTOML_HOME"] = str(home)
    assert "covid-cxr" in run(outbound, ROOT, "-m", "bentoml", "build", ".", "--output", "tag")
    assert outbound.seen == []
