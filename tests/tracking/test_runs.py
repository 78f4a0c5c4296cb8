import json
import subprocess
import sys

import pytest

from cxr.common.errors import CxrError
from cxr.tracking import store
from tests.tracking.specs import ROOT, some_spec


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
        record.log_evaluation(evaluation, "validation")
        record.log_figures({"roc": Figure()})
        record.log_json("evaluation.json", evaluation)
        record.log_text("report.txt", "fine")
        record.log_file(tmp_path / "a.csv", "curves")
    run = client.get_run(record.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["train.dropout"] == "0.5"
    assert [m.value for m in client.get_metric_history(record.run_id, "train_loss")] == [0.7, 0.5]
    names = [f"validation_{name}" for name in ("auc", "auc_low", "ppv", "images")]
    assert [run.data.metrics.get(name) for name in names] == [0.9, 0.8, None, 7]
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
        "import os, signal, sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.tracking.specs import some_spec; from cxr.tracking.runs import start_run\n"
        "with start_run(some_spec()) as record:\n"
        "    print(record.run_id, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", code, str(ROOT)]
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
    resumed.log_metrics({"validation_auc": 0.9})
    log_winner(resumed, {"auc": {"value": 0.9}}, "highest auc on validation")
    assert client.get_run(record.run_id).data.metrics["validation_auc"] == 0.9
    parent = client.get_run(record.parent_run_id).data
    assert (parent.tags["cxr.winner"], parent.metrics["validation_auc"]) == ("inceptionv3", 0.9)


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


@pytest.mark.slow
def test_a_run_file_of_a_later_layout_is_refused_with_what_to_do(client, tmp_path):
    from cxr.tracking.runs import resume_run

    stored = {"run_id": "r", "parent_run_id": "p", "spec": {}, "origin": {}, "schema_version": 99}
    (tmp_path / "run.json").write_text(json.dumps(stored))
    with pytest.raises(CxrError, match=r"run\.json: schema_version is 99, .*; update the program"):
        resume_run(tmp_path / "run.json")
