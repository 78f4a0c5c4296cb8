import json
import subprocess
import sys
from pathlib import Path

import pytest

from cxr.common.errors import CxrError
from cxr.tracking import store
from tests.tracking.specs import ROOT, some_spec

REPORTS = Path("reports/models/x")  # in each test's own folder


@pytest.mark.slow
def test_a_run_holds_all_that_was_logged(client, monkeypatch, tmp_path):
    from matplotlib.figure import Figure

    from cxr.tracking.training_run import start_run

    monkeypatch.setenv("DVC_STAGE", "train@inceptionv3")
    monkeypatch.setenv("DVC_ROOT", str(ROOT))  # a git repository
    monkeypatch.setenv("CXR_WHO", "Ada")
    evaluation = {"auc": {"value": 0.9, "low": 0.8, "high": 0.95}, "ppv": {"value": None}, "counts": {"images": 7}}
    (tmp_path / "a.csv").write_text("x\n")
    with start_run(some_spec(), REPORTS) as record:
        record.log_curves({"train_loss": [0.7, 0.5], "validation_loss": [0.8, 0.6]})
        record.log_evaluation(evaluation, "validation")
        record.log_figures({"roc": Figure()})
        record.log_json("evaluation.json", evaluation)
        record.log_text("report.txt", "fine")
        record.log_file(tmp_path / "a.csv", "curves")
    run = client.get_run(record.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["train.dropout"] == "0.5"
    assert [m.value for m in client.get_metric_history(record.run_id, "train/loss")] == [0.7, 0.5]
    assert [m.step for m in client.get_metric_history(record.run_id, "train/validation_loss")] == [1, 2]
    names = ("validation/auc", "validation/auc_low", "validation/ppv", "validation/images")
    assert [run.data.metrics.get(name) for name in names] == [0.9, 0.8, None, 7]
    assert run.data.tags["dvc.stage"] == "train@inceptionv3"
    assert run.data.tags["cxr.split_sha256"] == "5" * 64
    assert len(run.data.tags["mlflow.source.git.commit"]) == 40
    assert (run.data.tags["mlflow.user"], run.data.tags["mlflow.source.name"]) == ("Ada", "stages/train.py inceptionv3")
    assert "cxr.process" not in run.data.tags
    assert [(i.dataset.name, i.tags[0].value) for i in run.inputs.dataset_inputs] == [
        ("x-rays-train", "train"),
        ("x-rays-validation", "validation"),
    ]
    artifacts = {item.path for item in client.list_artifacts(record.run_id)}
    assert artifacts == {"curves", "evaluation.json", "figures", "report.txt"}


@pytest.mark.slow
def test_backbones_meet_under_one_parent_and_other_settings_get_their_own(client):
    from cxr.tracking.training_run import start_run

    parents = []
    for number, spec in enumerate((some_spec("inceptionv3"), some_spec("vgg16"), some_spec(dropout=0.1))):
        with start_run(spec, REPORTS / str(number)) as record:
            parents.append(record.parent_run_id)
            assert client.get_run(record.run_id).data.tags["mlflow.parentRunId"] == record.parent_run_id
    assert parents[0] == parents[1] != parents[2]
    assert client.get_run(parents[0]).info.status == "FINISHED"


@pytest.mark.slow
def test_on_a_server_one_of_two_parents_gives_way(client, monkeypatch):
    """Whichever of the two has the lesser id stays, for both machines."""
    from cxr.tracking import runs
    from cxr.tracking.training_run import start_run

    find, rival = runs.found_runs, {}

    def another_is_asking(*arguments):
        if "id" not in rival:
            spec = some_spec()
            tags = {"cxr.group": spec.group, "cxr.kind": "parent"}
            experiment = store.experiment_id(client, "covid-cxr")
            rival["id"] = client.create_run(experiment, start_time=1, tags=tags).info.run_id
            return []
        return find(*arguments)

    monkeypatch.setattr(runs, "found_runs", another_is_asking)
    monkeypatch.setattr(runs, "store_lock", lambda uri: __import__("contextlib").nullcontext())
    with start_run(some_spec(), REPORTS) as record:
        parents = find(client, store.experiment_id(client, "covid-cxr"), {"cxr.kind": "parent"})
        assert record.parent_run_id == parents[0].info.run_id <= rival["id"]


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_fault_does_not_leave_the_run_running(client, fault, status):
    from cxr.tracking.training_run import start_run

    with pytest.raises(fault), start_run(some_spec(), REPORTS) as record:
        raise fault
    assert client.get_run(record.run_id).info.status == status
    assert not list(REPORTS.glob("**/*"))[1:]  # no half record; the folder of records alone


@pytest.mark.slow
def test_a_killed_process_s_run_is_closed_by_the_next(client):
    from cxr.tracking.training_run import start_run

    code = (
        "import os, pathlib, signal, sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.tracking.specs import some_spec; from cxr.tracking.training_run import start_run\n"
        "with start_run(some_spec(), pathlib.Path('killed')) as record:\n"
        "    print(record.run_id, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", code, str(ROOT)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    assert client.get_run(killed).info.status == "RUNNING"
    with start_run(some_spec(), REPORTS) as alive, start_run(some_spec(), Path("another")):
        assert client.get_run(killed).info.status == "KILLED"
        assert client.get_run(alive.run_id).info.status == "RUNNING"


@pytest.mark.slow
def test_what_mlflow_measures_of_the_machine_goes_with_the_run(client, monkeypatch):
    from cxr.tracking.records import read_records
    from cxr.tracking.training_run import start_run

    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    with start_run(some_spec(), REPORTS) as record:
        for _ in range(200):
            if "system/cpu_utilization_percentage" in client.get_run(record.run_id).data.metrics:
                break
            __import__("time").sleep(0.1)
    (train,) = read_records(REPORTS)
    measured = [point for point in train.points if point.name == "system/cpu_utilization_percentage"]
    history = client.get_metric_history(record.run_id, "system/cpu_utilization_percentage")
    assert [(p.value, p.step, p.time) for p in measured] == [(m.value, m.step, m.timestamp) for m in history] != []


@pytest.mark.slow
def test_a_later_stage_s_record_comes_to_the_same_run(client):
    from cxr.tracking.publishing import log_winner, publish, recorded
    from cxr.tracking.training_run import start_run

    with start_run(some_spec(), REPORTS) as record:
        pass
    with recorded(REPORTS, "evaluate") as evaluated:
        evaluated.log_metrics({"auc": 0.9}, "validation")
    assert evaluated.run_id == record.run_id
    log_winner(publish(REPORTS), {"auc": {"value": 0.9}}, "highest auc on validation")
    assert client.get_run(record.run_id).data.metrics["validation/auc"] == 0.9
    parent = client.get_run(record.parent_run_id).data
    assert (parent.tags["cxr.winner"], parent.metrics["validation/auc"]) == ("inceptionv3", 0.9)


@pytest.mark.slow
@pytest.mark.parametrize(("stored", "said"), [
    ({}, r"run.json does not describe a run; run `dvc repro --force train`"),
    ({"run_id": "r", "schema_version": 99}, r"run\.json: schema_version is 99, .*; update the program"),
])  # fmt: skip
def test_a_run_file_of_something_else_or_of_a_later_layout_is_one_sentence(client, stored, said):
    from cxr.tracking.publishing import publish

    REPORTS.mkdir(parents=True)
    (REPORTS / "run.json").write_text(json.dumps(stored))
    with pytest.raises(CxrError, match=said):
        publish(REPORTS)
