import json
import os
import subprocess
import sys

import pytest
from filelock import FileLock, Timeout

from cxr.common.errors import CxrError
from cxr.tracking import store
from cxr.tracking.spec import RunSpec, flattened, plain
from tests.tracking.specs import PREPARE, ROOT, some_spec

# --- without MLflow ---------------------------------------------------------------------------------------


def test_the_store_lies_in_the_workspace_at_an_absolute_path(tmp_path):
    assert store.tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"


def test_a_stage_in_a_temporary_copy_writes_to_the_workspace_s_store(tmp_path, monkeypatch):
    copy = tmp_path / ".dvc/tmp/exps/standalone/tmp1"
    copy.mkdir(parents=True)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))  # as DVC sets it under `exp run --temp`
    monkeypatch.chdir(copy)
    assert store.tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mine.db")
    assert store.tracking_uri() == f"sqlite:///{tmp_path}/mine.db"
    assert store.artifact_location() == (tmp_path / "mlartifacts").as_uri()


def test_a_server_decides_about_its_own_artifacts(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.hospital:5000")
    assert store.tracking_uri() == "http://mlflow.hospital:5000"
    assert store.artifact_location() is None


def test_a_password_does_not_reach_a_message():
    assert store.without_password("https://me:secret@host/x") == "https://***@host/x"


def test_the_backbones_of_one_repro_share_a_group_and_changed_settings_do_not():
    group = some_spec("inceptionv3").group
    assert some_spec("vgg16").group == group
    assert some_spec(dropout=0.4).group != group
    assert some_spec(split="6" * 64).group != group


def test_a_spec_survives_its_file():
    spec = some_spec()
    again = RunSpec.from_json(json.loads(json.dumps(plain(spec))), "run.json")
    assert plain(again) == plain(spec)
    assert again.group == spec.group


def test_nested_settings_become_flat_names():
    assert flattened({"train": {"dropout": 0.5, "a": {"b": 1}}, "c": [1]}) == {
        "train.dropout": 0.5,
        "train.a.b": 1,
        "c": [1],
    }


def test_importing_the_tracking_modules_does_not_import_mlflow():
    code = "import sys, cxr.tracking.training_run, cxr.tracking.registry; sys.exit('mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


HOLD = """
import sys, time
from cxr.tracking.store import store_lock
with store_lock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def hold_the_lock(uri: str) -> subprocess.Popen[str]:
    """A process that holds the store's lock for a minute, once it holds it."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD, uri], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_one_process_at_a_time_has_the_lock_and_a_killed_one_leaves_none(tmp_path):
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    holder = hold_the_lock(uri)
    try:
        with pytest.raises(Timeout):
            FileLock(tmp_path / "new/mlflow.db.lock").acquire(timeout=0.1)
    finally:
        holder.kill()
        holder.communicate()
    with store.store_lock(uri):  # the tests' own time limit tells a lock that is still held
        assert (tmp_path / "new").is_dir()


def test_a_server_s_store_needs_no_lock(tmp_path):
    with store.store_lock("http://mlflow.hospital:5000"):
        assert list(tmp_path.iterdir()) == []


# --- the store --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(600)  # they wait for one another, each with MLflow to import
def test_four_processes_may_open_a_fresh_store_at_once(tmp_path):
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/new/mlflow.db"}
    command = [sys.executable, "-c", PREPARE]
    started = [subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE) for _ in range(4)]
    said = [process.communicate()[1].decode() for process in started]
    assert [process.returncode for process in started] == [0] * 4, said
    assert said == [""] * 4


@pytest.mark.slow
def test_a_damaged_file_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(CxrError, match=r"mlflow.db cannot be used .* damaged or locked.*docs/recovery.md"):
        store.connect()


@pytest.mark.slow
def test_a_server_that_is_down_is_one_sentence(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(CxrError, match=r"http://\*\*\*@127.0.0.1:9 cannot be used .* unset MLFLOW_TRACKING_URI"):
        store.connect()


@pytest.mark.slow
def test_a_deleted_experiment_is_used_again(client):
    first = store.experiment_id(client, "covid-cxr")
    client.delete_experiment(first)
    assert store.experiment_id(client, "covid-cxr") == first
    assert client.get_experiment(first).lifecycle_stage == "active"
