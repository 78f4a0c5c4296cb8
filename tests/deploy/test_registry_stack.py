"""The registry's half of the stack on real servers: PostgreSQL, an S3 store, MLflow, with compose.yaml's settings."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from cxr.common.errors import CxrError
from cxr.tracking import aliases, registry
from cxr.tracking.store import connect, experiment_id
from tests.deploy.programs import DEPLOY, answers, free_ports, replica, running, wait_for
from tests.servers.postgres import Postgres
from tests.servers.process import environment
from tests.servers.s3 import KEY, S3, SECRET
from tests.serving.model_store import own_store
from tests.tiny import tiny_bundle
from tools.deliver import deliver
from tools.remote import dvc, remote_environment
from tools.store_buckets import make_buckets

pytestmark = pytest.mark.slow
SERVICES = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
MODEL = "covid-cxr"


def settings_of(service: str, here: dict[str, str], passwords: dict[str, str]) -> dict[str, str]:
    """The container's environment, with this machine's addresses in place of the containers'."""
    values = {}
    for name, text in SERVICES[service]["environment"].items():
        filled = re.sub(
            r"\$\{(\w+):([-?])([^}]*)\}", lambda found: passwords.get(found[1]) or found[3] * (found[2] == "-"), text
        )
        for there, address in here.items():
            filled = filled.replace(there, address)
        values[name] = filled
    return values


@dataclass
class Registry:
    url: str
    s3: S3


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres, s3_server: S3) -> Iterator[Registry]:
    """As compose starts it: the buckets are made, then MLflow starts on the database and the store."""
    folder = tmp_path_factory.mktemp("mlflow")
    database = postgres_server.create("stack")
    port = free_ports(1)[0]
    passwords = dict.fromkeys(("STORE_ADMIN_KEY", "MLFLOW_S3_KEY"), KEY)
    passwords |= dict.fromkeys(("STORE_ADMIN_SECRET", "MLFLOW_S3_SECRET"), SECRET)
    passwords |= {"POSTGRES_PASSWORD": "x", "STACK_HOST": "xray.clinic.example"}
    here = {"postgresql+psycopg2://mlflow:x@postgres:5432/mlflow": database, "http://store:8333": s3_server.url}
    buckets = environment(**settings_of("buckets", here, passwords))
    command = SERVICES["buckets"]["command"][1:]
    done = subprocess.run([sys.executable, *command], env=buckets, capture_output=True, text=True, check=True)
    assert "made the buckets mlflow, dvc" in done.stdout
    here |= {"0.0.0.0": "127.0.0.1", "5000": str(port)}
    server = environment(**settings_of("mlflow", here, passwords), MLFLOW_DISABLE_TELEMETRY="true") | {
        "MLFLOW_WORKERS": "1"
    }
    with running([sys.executable, "-m", *SERVICES["mlflow"]["command"]], folder / "log", cwd=folder, env=server):
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/health"), folder / "log")
        yield Registry(f"http://127.0.0.1:{port}", s3_server)


@pytest.fixture
def on_the_server(mlflow: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    """This process as a member of the team: it speaks to the server, and has a BentoML home of its own."""
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow.url)
    monkeypatch.chdir(tmp_path)
    return mlflow


def register(folder: Path, seed: int) -> registry.Version:
    client = connect()
    run = client.create_run(experiment_id(client, "stack"), run_name="a run").info.run_id
    return registry.register_model(MODEL, tiny_bundle(folder, seed=seed), run, "a model", {})


def test_buckets_that_are_there_are_left_alone(mlflow: Registry, monkeypatch: pytest.MonkeyPatch):
    for name, value in mlflow.s3.variables.items():
        monkeypatch.setenv(name, value)
    assert make_buckets(["mlflow", "dvc"]) == []
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(CxrError, match="the store did not make the buckets mlflow"):
        make_buckets(["mlflow"])


@pytest.mark.parametrize(
    ("host", "status"),
    [("mlflow:5000", 200), ("xray.clinic.example:5443", 200), ("xray.clinic.example", 200), ("elsewhere.example", 403)],
)
def test_mlflow_is_asked_under_the_stacks_names_only(mlflow: Registry, host: str, status: int):
    path = "/api/2.0/mlflow/experiments/search?max_results=1"
    assert httpx.get(mlflow.url + path, headers={"Host": host}, timeout=60).status_code == status
    assert httpx.get(mlflow.url + "/health", headers={"Host": "10.1.2.3:5000"}, timeout=60).status_code == 200


def test_a_champion_of_the_team_reaches_a_replica(
    on_the_server: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The way of compose.yaml: MLflow, deliver, the volume, serve.sh; then a second champion."""
    port = free_ports(1)[0]
    log = tmp_path / "replica/log"
    with (
        own_store(tmp_path / "champion", monkeypatch) as champion,
        replica(tmp_path / "replica", champion, port, CXR_FOLLOW_S="1"),
    ):
        with pytest.raises(CxrError, match="has no champion in the registry yet"):
            deliver(MODEL)
        wait_for(lambda: "waiting for the first champion" in log.read_text(), log)
        aliases.set_champion(register(tmp_path / "first", seed=1))
        known, _ = deliver(MODEL)
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/readyz"), log)
        first = served(port)
        aliases.set_champion(register(tmp_path / "second", seed=2))
        deliver(MODEL, known)
        wait_for(lambda: served(port) != first, log)
    assert any(key.startswith("artifacts/") for key in on_the_server.s3.keys("mlflow"))


def served(port: int) -> str:
    return str(httpx.get(f"http://127.0.0.1:{port}/model", timeout=30).json()["version"])


def test_dvc_pushes_to_the_store_and_pulls_from_it(mlflow: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As docs/deployment.md sets the remote: by DVC_REMOTE_URL and DVC_REMOTE_OPTIONS."""
    pytest.importorskip("dvc_s3", reason="no dvc-s3: the extra dev brings it")
    options = {"endpointurl": mlflow.s3.url, "access_key_id": KEY, "secret_access_key": SECRET, "region": "us-east-1"}
    given = {
        "DVC_REMOTE_URL": "s3://dvc/covid-cxr",
        "DVC_REMOTE_OPTIONS": "\n".join(f"{name}={value}" for name, value in options.items()),
    }
    monkeypatch.chdir(tmp_path)
    content = bytes(range(256)) * 64
    (tmp_path / "picture.png").write_bytes(content)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = true\n")
    with remote_environment(given) as remote:
        dvc(remote, "add", "--quiet", "picture.png")
        dvc(remote, "push", "--quiet", "--remote", "retraining")
        assert len(mlflow.s3.keys("dvc")) == 1
        (tmp_path / "picture.png").unlink()
        shutil.rmtree(tmp_path / ".dvc" / "cache")
        dvc(remote, "pull", "--quiet", "--remote", "retraining")
    assert (tmp_path / "picture.png").read_bytes() == content
