"""A store that has never heard of the project is told all of it, from files alone; telling it twice changes nothing."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.mlflow_server import mlflow_server, why_no_password
from tests.servers.postgres import Postgres
from tests.servers.s3 import S3
from tests.tracking.specs import bundle_at, some_spec
from tests.tracking.two_stores import contents

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
EXPERIMENT = MODEL = "covid-cxr"
BACKBONES = ("inceptionv3", "vgg16")


@contextlib.contextmanager
def using(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Iterator[None]:
    """MLflow keeps the store that it was pointed at in both variables; another process would have neither."""
    with monkeypatch.context() as patch:
        for name, value in {"MLFLOW_REGISTRY_URI": variables["MLFLOW_TRACKING_URI"], **variables}.items():
            patch.setenv(name, value)
        yield


def run_the_stages(folder: Path) -> None:
    """As `dvc repro` does: each stage writes its record and tells the workspace's own store."""
    from matplotlib.figure import Figure

    from cxr.tracking.publishing import recorded
    from cxr.tracking.training_run import start_run

    for number, backbone in enumerate(BACKBONES):
        reports = folder / backbone
        with start_run(some_spec(backbone), reports) as record:
            (reports / "history.csv").write_text("epoch,loss\n1,0.7\n")
            record.log_curves({"train_loss": [0.7, 0.5 + number / 10], "validation_accuracy": [0.6, 0.8]})
            record.log_metrics({"best_epoch": 2}, "train")
            record.log_figures({"history": Figure()})
            record.log_file(reports / "history.csv")
        with recorded(reports, "evaluate") as record:
            record.log_evaluation({"auc": {"value": 0.9, "low": 0.8, "high": 0.95}}, "validation")
            record.log_json("classification_report.json", {"accuracy": 0.8})
        with recorded(reports, "audit") as record:
            record.log_metrics({"same_source/a/auc": 0.6}, "audit")
            record.tag(shortcut_flagged="true")


def register(folder: Path, bundle: Path) -> None:
    """As the stage `register` does."""
    from cxr.tracking.publishing import log_winner, publish
    from cxr.tracking.registry import register_model, set_challenger

    published = {name: publish(folder / name) for name in BACKBONES}
    log_winner(published["vgg16"], {"auc": {"value": 0.9, "low": 0.8, "high": 0.95}}, "highest auc")
    version = register_model(MODEL, bundle, published["vgg16"].run_id, "What it is.", {"backbone": "vgg16"})
    set_challenger(version)


@pytest.fixture
def finished(client, tmp_path):
    """A workspace after `dvc repro`, and what its own store knows."""
    reports = tmp_path / "reports/models"
    run_the_stages(reports)
    register(reports, bundle_at(tmp_path / "bundle"))
    own = contents(EXPERIMENT, MODEL)
    return reports, tmp_path / "bundle", own


def told_twice(reports: Path, bundle: Path) -> list[dict]:
    found = []
    for _ in range(2):
        register(reports, bundle)
        found.append(contents(EXPERIMENT, MODEL))
    return found


def test_registering_again_changes_nothing_in_the_workspace_s_own_store(finished) -> None:
    reports, bundle, own = finished
    assert told_twice(reports, bundle) == [own, own]


def test_every_backbone_is_there_with_charts_that_compare(finished) -> None:
    """The same names, the same steps."""
    _, _, own = finished
    by_name = {run["facts"][0]: run for run in own["runs"].values()}
    assert len(by_name) == len(BACKBONES) + 1
    steps = [{name: [point[0] for point in row] for name, row in by_name[b]["metrics"].items()} for b in BACKBONES]
    assert steps[0] == steps[1]
    assert steps[0]["train/loss"] == steps[0]["train/validation_accuracy"] == [1, 2]
    groups = {name.partition("/")[0] for name in steps[0]}
    assert groups == {"train", "validation", "audit"}


def test_a_database_on_postgresql_is_told_the_same(
    finished, postgres_server: Postgres, mlflow_template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports, bundle, own = finished
    uri = postgres_server.create("told_directly", mlflow_template)
    with using(monkeypatch, MLFLOW_TRACKING_URI=uri, MLFLOW_DEFAULT_ARTIFACT_ROOT=(tmp_path / "elsewhere").as_uri()):
        assert told_twice(reports, bundle) == [own, own]


def test_a_server_with_postgresql_s3_and_a_password_is_told_the_same(
    finished,
    postgres_server: Postgres,
    s3_server: S3,
    mlflow_template: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if why_no_password():
        pytest.skip(why_no_password())
    reports, bundle, own = finished
    backend, bucket = postgres_server.create("told_by_server", mlflow_template), s3_server.create("told")
    with (
        mlflow_server(tmp_path, backend, bucket, s3_server.variables, password=True) as server,
        using(monkeypatch, **server.variables),
    ):
        assert told_twice(reports, bundle) == [own, own]
    assert any(key.endswith("figures/history.png") for key in s3_server.keys("told"))


def test_a_stage_with_other_results_makes_a_run_of_its_own_and_the_earlier_one_stays(finished) -> None:
    from cxr.tracking.publishing import publish, recorded

    reports, _, _ = finished
    before = publish(reports / "vgg16").run_id
    with recorded(reports / "vgg16", "audit") as record:
        record.log_metrics({"same_source/a/auc": 0.5}, "audit")
    now = publish(reports / "vgg16")
    assert now.run_id != before
    history = [metric.value for metric in now.client.get_metric_history(now.run_id, "audit/same_source/a/auc")]
    assert history == [0.5]
    assert now.client.get_run(now.run_id).data.metrics["validation/auc"] == 0.9
    assert now.client.get_run(before).data.metrics["audit/same_source/a/auc"] == 0.6


def test_a_publication_that_was_killed_is_finished_by_the_next(finished, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    from cxr.tracking.publishing import publish

    reports, _, own = finished
    with using(monkeypatch, MLFLOW_TRACKING_URI=f"sqlite:///{reports.parents[1]}/another/mlflow.db"):
        for step in ("log_inputs", "log_artifact", "set_terminated"):
            with monkeypatch.context() as patch:
                patch.setattr(MlflowClient, step, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
                with pytest.raises(KeyboardInterrupt):
                    publish(reports / "vgg16")
        told = publish(reports / "vgg16")
        again = told.client.get_run(told.run_id)
        runs = told.client.search_runs([again.info.experiment_id])
    assert len(runs) == 2
    (key,) = [name for name, run in own["runs"].items() if run["facts"][0] == "vgg16"]
    kept = own["runs"][key]
    assert (again.info.status, again.info.end_time) == ("FINISHED", kept["facts"][3])
    # Registering, which this test does not repeat, adds the served model's settings to them.
    assert dict(again.data.params) == {k: v for k, v in kept["params"].items() if k not in ("column", "precision")}
    assert set(again.data.metrics) == set(kept["metrics"])
