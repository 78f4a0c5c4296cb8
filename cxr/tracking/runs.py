"""Training runs in MLflow: one parent for a `dvc repro`, a child for each backbone.

A run is described by a RunSpec, which goes into the stage's run.json with the run's id. So a later stage finds
the run again, and makes it anew from the files where the store no longer has it: DVC brings files back from
its cache, but not MLflow's database.
"""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxr.common.atomic_files import read_json
from cxr.common.errors import CxrError
from cxr.common.report_files import SCHEMA_VERSION
from cxr.common.schema import require_known_schema
from cxr.tracking.report_types import RunReport
from cxr.tracking.spec import GROUP_SECTIONS, DataInput, RunSpec, flattened, plain, run_tags
from cxr.tracking.store import connect, experiment_id, store_lock

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

BATCH_METRICS = 1000  # MLflow's limits for one request
BATCH_PARAMS = 100
PARENT_TAG = "mlflow.parentRunId"


class TrainingRecord:
    """A run being written to. Figures, JSON and files become its artifacts."""

    def __init__(
        self, client: "MlflowClient", run_id: str, parent_run_id: str, spec: RunSpec, origin: Mapping[str, str]
    ):
        self.client = client
        self.run_id = run_id
        self.parent_run_id = parent_run_id
        self.spec = spec
        self.origin = origin

    def as_json(self) -> RunReport:
        """What run.json holds."""
        return {
            "run_id": self.run_id,
            "parent_run_id": self.parent_run_id,
            "spec": plain(self.spec),
            "origin": dict(self.origin),
        }

    def log_curves(self, curves: Mapping[str, Sequence[float]]) -> None:
        """Each metric's value by epoch, from epoch 1."""
        _log_metrics(self.client, self.run_id, [(n, v, i) for n, row in curves.items() for i, v in enumerate(row, 1)])

    def log_metrics(self, values: Mapping[str, float]) -> None:
        _log_metrics(self.client, self.run_id, [(name, value, 0) for name, value in values.items()])

    def log_evaluation(self, evaluation: Mapping[str, Any], prefix: str) -> None:
        """What `cxr.evaluation.metrics.evaluate` gives, as <prefix>_auc, <prefix>_auc_low, …; what is undefined is left
        out."""
        self.log_metrics({f"{prefix}_{name}": value for name, value in _evaluation_values(evaluation)})

    def log_figures(self, figures: "Mapping[str, Figure]") -> None:
        """By file name without ending, into figures/."""
        for name, figure in figures.items():
            self.client.log_figure(self.run_id, figure, f"figures/{name}.png")

    def log_json(self, name: str, value: Any) -> None:
        self.log_text(name, json.dumps(value, indent=2, sort_keys=True) + "\n")

    def log_text(self, name: str, text: str) -> None:
        self.client.log_text(self.run_id, text, name)

    def log_file(self, path: Path, folder: str | None = None) -> None:
        self.client.log_artifact(self.run_id, str(path), folder)

    def tag(self, **tags: str) -> None:
        """Tags of ours, named cxr.<name>."""
        for name, value in tags.items():
            self.client.set_tag(self.run_id, f"cxr.{name}", value)


@contextlib.contextmanager
def start_run(spec: RunSpec) -> Iterator[TrainingRecord]:
    """A new run under the group's parent; FINISHED after the block, FAILED or KILLED where it is left early."""
    client = connect()
    record = _create(client, spec, run_tags(spec), {})
    _close_abandoned(client, record)
    with _terminated(client, record):
        yield record


def resume_run(run_json: Path, curves: Mapping[str, Sequence[float]] | None = None) -> TrainingRecord:
    """The run that run.json names, for a later stage to log more to.

    Where the store does not have it (another machine after `dvc pull`, a deleted database), it is made anew
    from run.json and `curves`, once, and says so in the tag cxr.recreated_from.
    """
    client = connect()
    stored = read_json(run_json)
    if not isinstance(stored, dict) or not {"run_id", "parent_run_id", "spec", "origin"} <= stored.keys():
        raise CxrError(f"{run_json} does not describe a run; run `dvc repro --force train`")
    require_known_schema(stored, SCHEMA_VERSION, str(run_json))
    spec = RunSpec.from_json(stored["spec"], str(run_json))
    origin = stored["origin"]
    run_id = stored["run_id"]
    if _is_active(client, run_id):
        return TrainingRecord(client, run_id, stored["parent_run_id"], spec, origin)
    again = _find(client, experiment_id(client, spec.experiment), {"cxr.recreated_from": run_id})
    if again is not None:
        return TrainingRecord(client, again.info.run_id, again.data.tags.get(PARENT_TAG, ""), spec, origin)
    record = _create(client, spec, origin, {"cxr.recreated_from": run_id})
    with _terminated(client, record):
        record.log_curves(curves or {})
    return record


def log_winner(record: TrainingRecord, evaluation: Mapping[str, Any], reason: str) -> None:
    """Say on the parent which backbone won, and with what metrics on the validation patients."""
    parent = TrainingRecord(record.client, record.parent_run_id, "", record.spec, record.origin)
    parent.tag(winner=record.spec.backbone, winner_run=record.run_id, winner_reason=reason)
    parent.log_evaluation(evaluation, "validation")


@contextlib.contextmanager
def _terminated(client: "MlflowClient", record: TrainingRecord) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    status = "FAILED"
    try:
        yield
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        # Where the store itself is what failed, its first error is the one to show.
        with contextlib.suppress(*([MlflowException] if status != "FINISHED" else [])):
            client.set_terminated(record.run_id, status)
            client.set_terminated(record.parent_run_id, "FINISHED")  # moves its end to the last child's


def _create(
    client: "MlflowClient", spec: RunSpec, origin: Mapping[str, str], tags: Mapping[str, str]
) -> TrainingRecord:
    experiment = experiment_id(client, spec.experiment)
    parent_run_id = _parent(client, experiment, spec, origin)
    run = client.create_run(
        experiment,
        run_name=spec.backbone,
        tags={**origin, **tags, PARENT_TAG: parent_run_id, "cxr.kind": "backbone", "cxr.process": _process()},
    )
    record = TrainingRecord(client, run.info.run_id, parent_run_id, spec, origin)
    try:
        _log_params(client, record.run_id, spec.params)
        _log_datasets(client, record.run_id, spec.datasets)
    except BaseException:
        client.set_terminated(record.run_id, "FAILED")
        raise
    return record


def _parent(client: "MlflowClient", experiment: str, spec: RunSpec, origin: Mapping[str, str]) -> str:
    """The group's parent run, made by the first backbone to ask for it."""
    wanted = {"cxr.group": spec.group, "cxr.kind": "parent"}
    with store_lock(client.tracking_uri):
        found = _find(client, experiment, wanted)
        if found is not None:
            return found.info.run_id
        mine = client.create_run(experiment, run_name=f"repro-{spec.group}", tags={**origin, **wanted}).info.run_id
        client.set_terminated(mine, "FINISHED")  # no process owns it, so nobody could end it later
        _log_params(client, mine, {name: spec.params[name] for name in GROUP_SECTIONS if name in spec.params})
        first = _find(client, experiment, wanted)
    if first is None or first.info.run_id == mine:
        return mine
    client.delete_run(mine)  # on a server without our lock another process was faster
    return first.info.run_id


def _find(client: "MlflowClient", experiment: str, tags: Mapping[str, str]) -> Any:
    """The oldest active run of the experiment (its id) that carries all the tags, or None."""
    condition = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    found = client.search_runs([experiment], condition, max_results=1, order_by=["attributes.start_time ASC"])
    return found[0] if found else None


def _close_abandoned(client: "MlflowClient", record: TrainingRecord) -> None:
    """End the runs of this backbone whose process on this machine was killed before it could."""
    condition = f"tags.`{PARENT_TAG}` = '{record.parent_run_id}' and attributes.status = 'RUNNING'"
    for run in client.search_runs([experiment_id(client, record.spec.experiment)], condition):
        if not _is_alive(run.data.tags.get("cxr.process", "")):
            client.set_terminated(run.info.run_id, "KILLED")


def _process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _is_alive(process: str) -> bool:
    """Also True for a process of another machine, of which nothing can be known."""
    host, _, pid = process.rpartition(":")
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _is_active(client: "MlflowClient", run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id).info.lifecycle_stage == "active"
    except MlflowException as fault:
        if fault.error_code == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise


def _log_metrics(client: "MlflowClient", run_id: str, points: Sequence[tuple[str, float, int]]) -> None:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = [Metric(name, float(value), now, step) for name, value, step in points]
    for start in range(0, len(metrics), BATCH_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + BATCH_METRICS])


def _log_params(client: "MlflowClient", run_id: str, params: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    flat = [Param(name, str(value)) for name, value in flattened(plain(params)).items()]
    for start in range(0, len(flat), BATCH_PARAMS):
        client.log_batch(run_id, params=flat[start : start + BATCH_PARAMS])


def _log_datasets(client: "MlflowClient", run_id: str, datasets: Sequence[DataInput]) -> None:
    from mlflow import entities

    inputs = []
    for item in datasets:
        profile = json.dumps({"num_rows": item.images, "patients": item.patients})
        source = json.dumps({"uri": item.source})
        # MLflow takes two data sets of one name and digest for the same
        stored = entities.Dataset(f"{item.name}-{item.context}", item.digest[:36], "local", source, profile=profile)
        inputs.append(entities.DatasetInput(stored, [entities.InputTag("mlflow.data.context", item.context)]))
    client.log_inputs(run_id, inputs)


def _evaluation_values(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """(name, value) of everything numeric: intervals as three, the rest under its own name."""
    for key, value in flattened(plain(evaluation)).items():
        name = key.removeprefix("counts.").removesuffix(".value").replace(".", "_")
        if isinstance(value, int | float):
            yield name, value
