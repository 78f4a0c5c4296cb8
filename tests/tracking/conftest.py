"""An empty MLflow store for each test, and nothing of the surroundings."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cxr.tracking import store
from tests.tracking.specs import PREPARE, ROOT


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch, tmp_path):
    """No store of the person who runs the tests, and none of DVC's variables."""
    for name in (
        "MLFLOW_TRACKING_URI",
        "MLFLOW_REGISTRY_URI",
        "MLFLOW_DEFAULT_ARTIFACT_ROOT",
        "DVC_ROOT",
        "DVC_STAGE",
        "DVC_EXP_NAME",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def fresh_store(tmp_path_factory) -> Path:
    """An empty store, made once: MLflow takes seconds to create its tables."""
    folder = tmp_path_factory.mktemp("store")
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    subprocess.run([sys.executable, "-c", PREPARE], check=True, env=environment, cwd=ROOT)
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def mlflow_template(postgres_server) -> str:
    """The name of a database with MLflow's tables and nothing in them, to copy."""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": postgres_server.create("mlflow_template")}
    subprocess.run([sys.executable, "-c", PREPARE], check=True, env=environment, cwd=ROOT)
    return "mlflow_template"


@pytest.fixture
def client(fresh_store, tmp_path, monkeypatch):
    """A client of an empty store in this test's own folder."""
    shutil.copy(fresh_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return store.connect()
