"""`dvc repro` as a person uses it, on phantoms."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cxr.report.origin import stale_files
from tests.pipeline.conftest import LOOKS, Workspace, live, read, small_workspace
from tools.workspace import setting

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ONE_BACKBONE = {"train": {"backbones": ["inceptionv3"]}}  # enough for what does not compare backbones


def metrics(workspace: Workspace) -> dict[str, Any]:
    return read(workspace, "reports/models/inceptionv3/validation.json")


def assert_close(first: Any, second: Any) -> None:
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_close(first[key], second[key])
    elif isinstance(first, float):
        assert math.isclose(first, second, rel_tol=0, abs_tol=1e-6)
    else:
        assert first == second


def test_a_second_repro_does_nothing(finished: Workspace) -> None:
    done = finished.dvc("repro")
    assert "Data and pipelines are up to date" in done.stdout


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, list[str]]:
    """A second workspace with one backbone, whose first `dvc repro` was killed; what the second one had to run."""
    folder = tmp_path_factory.mktemp("killed")
    workspace = small_workspace(folder / "w", ONE_BACKBONE)
    command = [sys.executable, "-m", "dvc", "repro"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=workspace.folder, env=workspace.environment(), stdout=log, stderr=log, start_new_session=True
        )
        cache = workspace.folder / "data" / "feature_cache"
        while process.poll() is None and not list(cache.glob("*/done.u8")):
            time.sleep(0.05)  # until the cache is being filled: the longest stage
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return workspace, workspace.repro()


def test_a_killed_repro_goes_on_where_it_was(resumed: tuple[Workspace, list[str]]) -> None:
    _, stages = resumed
    assert {"features@inceptionv3", "train@inceptionv3", "register"} <= set(stages)
    assert not {"download", "index", "pixels", "copies", "split"} & set(stages)


def test_the_same_seed_gives_the_same_split_and_the_same_metrics(
    finished: Workspace, resumed: tuple[Workspace, list[str]]
) -> None:
    again, _ = resumed
    assert (again.folder / "data/split.csv").read_text() == (finished.folder / "data/split.csv").read_text()
    assert_close(metrics(again), metrics(finished))


def test_going_back_to_earlier_params_finds_the_earlier_version_again(
    resumed: tuple[Workspace, list[str]], tmp_path: Path
) -> None:
    workspace = resumed[0].copy(tmp_path / "w")
    version = read(workspace, "reports/register.json")["version"]
    small_workspace(workspace.folder, ONE_BACKBONE, setting("train.learning_rate=0.01"))
    workspace.repro()
    assert read(workspace, "reports/register.json")["version"] != version
    looks = (workspace.folder / LOOKS).read_text()
    assert len(looks.splitlines()) == 2
    small_workspace(workspace.folder, ONE_BACKBONE)
    assert "register" in workspace.repro()
    assert read(workspace, "reports/register.json")["version"] == version
    assert (workspace.folder / LOOKS).read_text() == looks  # it was measured before


def test_growing_the_data_computes_only_the_new_images(finished: Workspace, tmp_path: Path) -> None:
    workspace = finished.copy(tmp_path / "w")
    before = set((workspace.folder / "data/split.csv").read_text().splitlines()[1:])
    small_workspace(workspace.folder, setting("download.sources.phantom.patients=44"))
    output = workspace.dvc("repro", "features@inceptionv3").stdout
    after = set((workspace.folder / "data/split.csv").read_text().splitlines()[1:])
    assert before < after
    new = int(output.split("features: inceptionv3: ")[1].split()[0])
    assert 0 < new <= len(after) - len(before)


def test_metrics_and_plots_are_shown(finished: Workspace) -> None:
    shown = json.loads(finished.dvc("metrics", "show", "--json").stdout)
    files = shown[""]["data"] if "data" in shown[""] else shown[""]
    shown_of_vgg16 = files["reports/models/vgg16/validation_headline.json"]["data"]
    assert shown_of_vgg16.keys() >= {"auc", "auc_low", "auc_high", "sensitivity"}
    winner = files["reports/winner.json"]["data"]
    assert winner["backbone"] == read(finished, "reports/register.json")["winner"]
    assert "validation_auc" in winner
    assert not any("sealed" in name or "test" in name for name in files)
    audit = files["reports/models/vgg16/audit_headline.json"]["data"]
    assert audit.keys() >= {"worst_sensitivity", "shortcut_flagged"}
    # So few validation patients and one source: an AUC within a source and the yardstick measure nothing, and DVC shows
    # no metric that is null.
    assert "same_source_auc" not in audit
    assert "same_source_auc" in read(finished, "reports/models/vgg16/audit_headline.json")
    assert files["reports/models/vgg16/unseen_headline.json"]["data"] == {}
    unseen = json.loads((finished.folder / "reports/models/vgg16/unseen_headline.json").read_text())
    assert unseen.keys() >= {"unseen_auc", "unseen_auc_low", "worst_pair_auc", "false_positive_rate"}
    finished.dvc("plots", "show", "--out", "plots")
    page = (finished.folder / "plots" / "index.html").read_text()
    for name in ("history", "roc", "pr", "confusion", "reliability", "audit", "unseen"):
        assert f"reports_models_inceptionv3_{name}_csv" in page


def test_the_served_champion_is_the_registry_s(finished: Workspace) -> None:
    alias, served, models, _ = live(finished)
    assert served == f"covid-cxr-test:v{alias}"
    assert f"v{alias}" in models
    (move,) = (finished.folder / "reports/promotions.jsonl").read_text().splitlines()
    assert json.loads(move)["act"] == "automatic"


def test_every_run_is_in_mlflow_with_what_a_reader_needs(finished: Workspace) -> None:
    script = """
import json, mlflow
from mlflow import MlflowClient
client = MlflowClient("sqlite:///mlflow.db")
experiment = client.get_experiment_by_name("covid-cxr-test").experiment_id
runs = client.search_runs([experiment])
children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
one = children[0]
version = client.get_model_version_by_alias("covid-cxr-test", "champion")
figures = [a.path for a in client.list_artifacts(one.info.run_id, "figures")]
print(json.dumps({
    "parents": len(runs) - len(children), "children": len(children),
    "params": dict(one.data.params), "metrics": sorted(one.data.metrics), "tags": dict(one.data.tags),
    "epochs": len(client.get_metric_history(one.info.run_id, "train/validation_loss")),
    "figures": figures, "inputs": [d.dataset.name for d in one.inputs.dataset_inputs],
    "description": version.description, "version_tags": dict(version.tags),
    "statuses": sorted({run.info.status for run in runs}),
}))
"""
    found = json.loads(finished.run(sys.executable, "-c", script).stdout.splitlines()[-1])
    assert (found["parents"], found["children"], found["epochs"]) == (1, 2, 5)
    assert found["statuses"] == ["FINISHED"]
    assert found["params"]["train.dropout"] == "0.5"
    assert {"validation/auc", "validation/auc_low", "train/accuracy"} <= set(found["metrics"])
    wanted = {"confusion", "confusion_normalised", "roc", "precision_recall", "history", "network", "samples"}
    assert {f"figures/{name}.png" for name in wanted} <= set(found["figures"])
    assert found["inputs"]
    assert {"cxr.split_sha256", "cxr.index_sha256"} <= found["tags"].keys()
    assert "Not a medical device" in found["description"]
    assert any(name.startswith("audit/behaviour/") for name in found["metrics"])
    champion = read(finished, "models/champion/model.json")
    reasons = champion["audit"]["reasons"]
    assert champion["shortcut_flagged"] == bool(reasons)
    assert found["version_tags"]["shortcut_flagged"] == str(bool(reasons)).lower()
    assert (reasons[0] if reasons else "every limit held") in found["description"]


def test_the_report_lies_with_the_registered_version_and_is_of_these_files(finished: Workspace) -> None:
    script = """
import json
from mlflow import MlflowClient
client = MlflowClient("sqlite:///mlflow.db")
version = client.get_model_version_by_alias("covid-cxr-test", "champion")
run = version.tags["cxr.report"].removeprefix("runs:/").partition("/")[0]
print(json.dumps({"run": run, "of": version.run_id, "files": [a.path for a in client.list_artifacts(run, "card")]}))
"""
    found = json.loads(finished.run(sys.executable, "-c", script).stdout.splitlines()[-1])
    assert found["run"] == found["of"]
    assert set(found["files"]) == {"card/report.html", "card/model_card.md"}
    for name in ("report.html", "model_card.md"):
        assert stale_files(finished.folder / "reports/card" / name, finished.folder) == []


def test_the_registered_model_loads_in_mlflow_and_gives_the_stage_s_answer(finished: Workspace) -> None:
    script = """
import base64, csv, json, pathlib, mlflow, pandas
mlflow.set_tracking_uri("sqlite:///mlflow.db")
winner = json.load(open("reports/register.json"))["winner"]
rows = list(csv.DictReader(open(f"reports/models/{winner}/validation.csv")))[:3]
images = [base64.b64encode(pathlib.Path("data/raw", row["path"]).read_bytes()).decode() for row in rows]
model = mlflow.pyfunc.load_model("models:/covid-cxr-test@champion", model_config={"precision": "f32"})
answers = model.predict(pandas.DataFrame({"image": images}))
print(json.dumps([[float(row["p_covid"]) for row in rows], list(answers["p_covid"])]))
"""
    recorded, answered = json.loads(finished.run(sys.executable, "-c", script).stdout.splitlines()[-1])
    assert answered == pytest.approx(recorded, abs=1e-4)
