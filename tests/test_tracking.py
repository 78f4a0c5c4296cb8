import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cxr.errors import CxrError
from cxr.params import TrainParams
from cxr.tracking import store
from cxr.tracking.spec import DataInput, RunSpec, flattened, plain

ROOT = Path(__file__).parents[1]
TRAIN = TrainParams(
    head="flatten",
    dropout=0.5,
    learning_rate=1e-4,
    weight_decay=0.0,
    batch_size=32,
    epochs=3,
    weighting="label",
    alignment=0.0,
    seed=1,
    sensitivity=0.9,
    fine_tune=0,
    fine_tune_epochs=1,
    fine_tune_learning_rate=1e-5,
    backbones=("inceptionv3", "vgg16"),
)


def some_spec(backbone: str = "inceptionv3", dropout: float = 0.5, split: str = "5" * 64) -> RunSpec:
    train = {**plain(TRAIN), "dropout": dropout}
    sides = [DataInput("x-rays", side, "phantom", "d" * 64, 20, 10) for side in ("train", "validation")]
    return RunSpec("covid-cxr", backbone, {"train": train, "pixels": {"side": 75}}, {"split": split}, sides)


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch, tmp_path):
    """No store of the person who runs the tests, and none of DVC's variables."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "DVC_ROOT", "DVC_STAGE", "DVC_EXP_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def fresh_store(tmp_path_factory) -> Path:
    """An empty store, made once: MLflow takes seconds to create its tables."""
    folder = tmp_path_factory.mktemp("store")
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    subprocess.run([sys.executable, "-c", PREPARE], check=True, env=environment, cwd=ROOT)
    return folder / "mlflow.db"


PREPARE = "from cxr.tracking.store import prepare_store; prepare_store()"


@pytest.fixture
def client(fresh_store, tmp_path, monkeypatch):
    """A client of an empty store in this test's own folder."""
    shutil.copy(fresh_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return store.connect()


def bundle_at(folder: Path, content: str = "weights") -> Path:
    folder.mkdir(parents=True)
    for name in ("trunk.xml", "trunk.bin", "head.npz"):
        (folder / name).write_text(content)
    (folder / "model.json").write_text(json.dumps({"side": 8, "threshold": 0.5}))
    return folder


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
    code = "import sys, cxr.tracking.runs, cxr.tracking.registry; sys.exit('mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


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
def test_a_server_that_is_down_is_one_sentence(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(CxrError, match=r"http://\*\*\*@127.0.0.1:9 can not be used .* unset MLFLOW_TRACKING_URI"):
        store.connect()


@pytest.mark.slow
def test_a_deleted_experiment_is_used_again(client):
    first = store.experiment_id(client, "covid-cxr")
    client.delete_experiment(first)
    assert store.experiment_id(client, "covid-cxr") == first
    assert client.get_experiment(first).lifecycle_stage == "active"


# --- runs -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_holds_all_that_was_logged(client, monkeypatch, tmp_path):
    from matplotlib.figure import Figure

    from cxr.tracking.runs import start_run

    monkeypatch.setenv("DVC_STAGE", "train@inceptionv3")
    monkeypatch.setenv("DVC_ROOT", str(ROOT))  # a git repository
    evaluation = {"auc": {"value": 0.9, "low": 0.8, "high": 0.95}, "ppv": {"value": None}, "counts": {"images": 7}}
    (tmp_path / "a.csv").write_text("x\n")
    with start_run(some_spec()) as record:
        record.log_curves({"train_loss": [0.7, 0.5], "validation_loss": [0.8, 0.6]})
        record.log_evaluation(evaluation)
        record.log_figures({"roc": Figure()})
        record.log_json("evaluation.json", evaluation)
        record.log_text("report.txt", "fine")
        record.log_file(tmp_path / "a.csv", "curves")
    run = client.get_run(record.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["train.dropout"] == "0.5"
    assert [m.value for m in client.get_metric_history(record.run_id, "train_loss")] == [0.7, 0.5]
    logged = {name: run.data.metrics.get(name) for name in ("test_auc", "test_auc_low", "test_ppv", "test_images")}
    assert logged == {"test_auc": 0.9, "test_auc_low": 0.8, "test_ppv": None, "test_images": 7}
    assert run.data.tags["dvc.stage"] == "train@inceptionv3"
    assert run.data.tags["cxr.split_sha256"] == "5" * 64
    assert len(run.data.tags["mlflow.source.git.commit"]) == 40
    assert [(i.dataset.name, i.tags[0].value) for i in run.inputs.dataset_inputs] == [
        ("x-rays-train", "train"),
        ("x-rays-validation", "validation"),
    ]
    artifacts = {item.path for item in client.list_artifacts(record.run_id)}
    assert artifacts == {"curves", "evaluation.json", "figures", "report.txt"}


@pytest.mark.slow
def test_backbones_meet_under_one_parent_and_other_settings_get_their_own(client):
    from cxr.tracking.runs import start_run

    parents = []
    for spec in (some_spec("inceptionv3"), some_spec("vgg16"), some_spec(dropout=0.1)):
        with start_run(spec) as record:
            parents.append(record.parent_run_id)
            assert client.get_run(record.run_id).data.tags["mlflow.parentRunId"] == record.parent_run_id
    assert parents[0] == parents[1] != parents[2]
    assert client.get_run(parents[0]).info.status == "FINISHED"


@pytest.mark.slow
def test_on_a_server_the_slower_of_two_parents_gives_way(client, monkeypatch):
    from cxr.tracking import runs

    find, rival = runs._find, {}

    def another_was_faster(*arguments):
        if "id" not in rival:
            spec = some_spec()
            tags = {"cxr.group": spec.group, "cxr.kind": "parent"}
            experiment = store.experiment_id(client, "covid-cxr")
            rival["id"] = client.create_run(experiment, start_time=1, tags=tags).info.run_id
            return None
        return find(*arguments)

    monkeypatch.setattr(runs, "_find", another_was_faster)
    monkeypatch.setattr(runs, "store_lock", lambda uri: __import__("contextlib").nullcontext())
    with runs.start_run(some_spec()) as record:
        assert record.parent_run_id == rival["id"]


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_fault_does_not_leave_the_run_running(client, fault, status):
    from cxr.tracking.runs import start_run

    with pytest.raises(fault), start_run(some_spec()) as record:
        raise fault
    assert client.get_run(record.run_id).info.status == status


@pytest.mark.slow
def test_a_killed_process_s_run_is_closed_by_the_next(client):
    from cxr.tracking.runs import start_run

    code = (
        "import os, signal, sys; sys.path[:0] = sys.argv[1:]\n"
        "from test_tracking import some_spec; from cxr.tracking.runs import start_run\n"
        "with start_run(some_spec()) as record:\n"
        "    print(record.run_id, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", code, str(ROOT), str(ROOT / "tests")]
    killed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    assert client.get_run(killed).info.status == "RUNNING"
    with start_run(some_spec()) as alive, start_run(some_spec()):
        assert client.get_run(killed).info.status == "KILLED"
        assert client.get_run(alive.run_id).info.status == "RUNNING"


@pytest.mark.slow
def test_a_later_stage_logs_to_the_same_run(client, tmp_path):
    from cxr.tracking.runs import log_winner, resume_run, start_run

    with start_run(some_spec()) as record:
        pass
    (tmp_path / "run.json").write_text(json.dumps(record.as_json()))
    resumed = resume_run(tmp_path / "run.json")
    resumed.log_metrics({"test_auc": 0.9})
    log_winner(resumed, {"auc": {"value": 0.9}}, "highest auc on validation")
    assert client.get_run(record.run_id).data.metrics["test_auc"] == 0.9
    parent = client.get_run(record.parent_run_id).data
    assert (parent.tags["cxr.winner"], parent.metrics["test_auc"]) == ("inceptionv3", 0.9)


@pytest.mark.slow
def test_a_run_that_the_store_lost_is_made_anew_once_and_says_so(client, tmp_path, monkeypatch):
    from cxr.tracking.runs import resume_run, start_run

    monkeypatch.setenv("DVC_STAGE", "train@inceptionv3")
    with start_run(some_spec()) as record:
        pass
    (tmp_path / "run.json").write_text(json.dumps({**record.as_json(), "run_id": "f" * 32}))
    monkeypatch.setenv("DVC_STAGE", "evaluate@inceptionv3")
    first = resume_run(tmp_path / "run.json", {"train_loss": [0.7, 0.5]})
    second = resume_run(tmp_path / "run.json")
    run = client.get_run(first.run_id)
    assert first.run_id == second.run_id != record.run_id
    assert run.data.tags["cxr.recreated_from"] == "f" * 32
    assert run.data.tags["dvc.stage"] == "train@inceptionv3"  # where it came from, not where it was found missing
    assert (run.info.status, run.data.params["train.seed"]) == ("FINISHED", "1")
    assert len(client.get_metric_history(first.run_id, "train_loss")) == 2


@pytest.mark.slow
def test_a_run_file_of_something_else_is_one_sentence(client, tmp_path):
    from cxr.tracking.runs import resume_run

    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(CxrError, match=r"run.json does not describe a run; run `dvc repro --force train`"):
        resume_run(tmp_path / "run.json")


# --- the registry -----------------------------------------------------------------------------------------


def registered(tmp_path, content: str = "weights"):
    from cxr.tracking.registry import register_model
    from cxr.tracking.runs import start_run

    with start_run(some_spec()) as record:
        pass
    bundle = bundle_at(tmp_path / content, content)
    return register_model("covid-cxr", bundle, record.run_id, "What it is.", {"backbone": "inceptionv3"})


@pytest.mark.slow
def test_a_registered_version_says_what_it_is(client, tmp_path):
    from mlflow.models import get_model_info

    version = registered(tmp_path)
    assert (version.number, version.aliases, version.description) == (1, (), "What it is.")
    assert version.tags["backbone"] == "inceptionv3"
    info = get_model_info("models:/covid-cxr/1")
    assert info.signature.inputs.input_names() == ["image"]
    assert info.signature.outputs.input_names() == ["state", "percentage", "p_covid", "reason"]
    assert client.get_run(version.run_id).info.status == "FINISHED"


@pytest.mark.slow
def test_the_same_bundle_is_the_same_version_and_another_is_not(client, tmp_path):
    from cxr.tracking.registry import register_model

    first = registered(tmp_path)
    again = register_model("covid-cxr", tmp_path / "weights", first.run_id, "Better words.", {})
    assert (again.number, again.description) == (1, "Better words.")
    assert registered(tmp_path, "other").number == 2


@pytest.mark.slow
def test_a_version_whose_files_are_gone_is_registered_anew(client, tmp_path):
    from cxr.tracking.registry import fetch_bundle, register_model

    first = registered(tmp_path)
    shutil.rmtree(tmp_path / "mlartifacts")
    with pytest.raises(CxrError, match="the files of covid-cxr version 1 are not where they were registered"):
        fetch_bundle(first, tmp_path / "fetched")
    assert register_model("covid-cxr", tmp_path / "weights", first.run_id, "", {}).number == 2


@pytest.mark.slow
def test_the_champion_s_bundle_comes_back_as_it_was(client, tmp_path):
    from cxr.tracking.registry import bundle_sha256, champion, fetch_bundle, set_champion

    assert champion("covid-cxr") is None
    set_champion(registered(tmp_path))
    version = champion("covid-cxr")
    assert version is not None
    assert bundle_sha256(fetch_bundle(version, tmp_path / "fetched")) == version.bundle_sha256
    stored = next((tmp_path / "mlartifacts").rglob("head.npz"))
    stored.write_text("tampered")
    with pytest.raises(CxrError, match="are not those that were registered"):
        fetch_bundle(version, tmp_path / "fetched")


@pytest.mark.slow
def test_rollback_goes_back_step_by_step_and_then_says_that_it_can_not(client, tmp_path):
    from cxr.tracking.registry import champion, rollback, set_challenger, set_champion

    with pytest.raises(CxrError, match="covid-cxr has no champion"):
        rollback("covid-cxr")
    versions = [set_challenger(registered(tmp_path, content)) for content in "abc"]
    for version in versions:
        assert "champion" in set_champion(set_champion(version)).aliases  # twice is the same as once
    assert champion("covid-cxr").aliases == ("champion",)
    assert int(client.get_model_version_by_alias("covid-cxr", "previous_champion").version) == 2
    assert rollback("covid-cxr").number == 2
    assert int(client.get_model_version_by_alias("covid-cxr", "previous_champion").version) == 1
    assert rollback("covid-cxr").aliases == ("champion",)
    with pytest.raises(CxrError, match="version 1 is the first champion"):
        rollback("covid-cxr")


@pytest.mark.slow
def test_a_version_that_was_taken_back_says_so_until_it_is_promoted_again(client, tmp_path):
    from cxr.tracking.registry import register_model, rollback, set_champion

    first, second = (set_champion(registered(tmp_path, content)) for content in "ab")
    rollback("covid-cxr")
    again = register_model("covid-cxr", tmp_path / "b", second.run_id, "", {})
    assert again.rolled_back
    assert not set_champion(again).rolled_back
    assert rollback("covid-cxr").number == first.number


@pytest.mark.slow
def test_the_registered_model_answers_a_table_as_the_service_would(client, tmp_path, complete_bundle):
    import base64
    import io

    import mlflow
    import numpy as np
    import pandas as pd
    from PIL import Image

    from cxr.engine import Engine
    from cxr.tracking.registry import register_model
    from cxr.tracking.runs import start_run

    def text_of(pixels: np.ndarray) -> str:
        with io.BytesIO() as handle:
            Image.fromarray(pixels).save(handle, "PNG")
            return base64.b64encode(handle.getvalue()).decode()

    blank, from_the_side = np.full((32, 32), 90, np.uint8), np.repeat([[200] * 16 + [20] * 16], 32, 0).astype(np.uint8)
    middle = np.full((32, 32), 10, np.uint8)
    middle[8:24, 8:24] = 250
    pictures = [blank, middle, from_the_side, 255 - middle]
    with start_run(some_spec()) as record:
        pass
    register_model("covid-cxr", complete_bundle, record.run_id, "", {})
    asked = pd.DataFrame({"image": [text_of(pixels) for pixels in pictures]})
    answer = mlflow.pyfunc.load_model("models:/covid-cxr/1").predict(asked)
    p_covid = Engine.load(complete_bundle).predict(np.stack([middle, 255 - middle]))
    assert answer["state"].tolist() == ["Refused", "COVID", "Refused", "NonCOVID"]
    assert answer["reason"].tolist() == ["blank", "", "lateral", ""]
    assert answer["p_covid"].dropna().tolist() == pytest.approx(list(p_covid), abs=1e-6)
    assert answer["percentage"].dropna().tolist() == pytest.approx([100 * p_covid[0], 100 - 100 * p_covid[1]])
    assert answer["p_covid"].isna().tolist() == answer["percentage"].isna().tolist() == [True, False, True, False]
    none = mlflow.pyfunc.load_model("models:/covid-cxr/1").predict(asked[:0])
    assert list(none.columns) == ["state", "percentage", "p_covid", "reason"]


@pytest.mark.slow
def test_what_is_no_bundle_is_not_registered(client, tmp_path):
    from cxr.tracking.registry import register_model

    with pytest.raises(CxrError, match="is not a model bundle"):
        register_model("covid-cxr", tmp_path, "0" * 32, "", {})


@pytest.mark.slow
def test_tracking_is_quiet(client, tmp_path, caplog, capfd, recwarn):
    with caplog.at_level(logging.WARNING):
        registered(tmp_path)
    assert [record.getMessage() for record in caplog.records] == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_version_says_where_its_report_is_and_when_it_was_registered(client, tmp_path):
    from cxr.tracking.registry import find_version, link_report

    version = registered(tmp_path)
    link_report(version, f"runs:/{version.run_id}/card/report.html")
    found = find_version("covid-cxr", version.number)
    assert found.tags["cxr.report"] == f"runs:/{version.run_id}/card/report.html"
    assert found.created[:2] == "20"
    assert len(found.created) == len("2026-01-31")


def test_a_version_that_the_registry_lacks_is_one_sentence(client):
    from cxr.tracking.registry import find_version

    with pytest.raises(CxrError, match="no version 7 of covid-cxr; run `dvc repro"):
        find_version("covid-cxr", 7)
