"""The run of a training that goes on: RUNNING in the store while the stage works, FINISHED, FAILED or KILLED after."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cxr.tracking.client import milliseconds
from cxr.tracking.identity import ParentFacts, RunIdentity
from cxr.tracking.publishing import RUN_FILE, TRAIN, publish
from cxr.tracking.records import Point, StageRecord, written_record
from cxr.tracking.runs import (
    KIND_TAG,
    PARENT_TAG,
    PROCESS_TAG,
    RUN_TAG,
    close_abandoned,
    describe,
    find_or_create_parent,
    parent_facts,
    this_process,
)
from cxr.tracking.spec import RunSpec, run_tags
from cxr.tracking.store import connect, experiment_id, tracking_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

SYSTEM = "system/"  # the group of what MLflow measures of the machine


@contextlib.contextmanager
def start_run(spec: RunSpec, reports: Path) -> Iterator[StageRecord]:
    """A new run under the group's parent; the block fills the record of the stage `train`.

    After the block run.json and the record lie in `reports`, and the run is told what stands in them. With
    MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING=true the record has MLflow's measurements of the machine, too.
    """
    client = connect()
    origin = run_tags(spec)
    started = milliseconds()
    experiment = experiment_id(client, spec.experiment)
    parent_run_id = find_or_create_parent(client, experiment, spec, ParentFacts(origin, started))
    tags = {**origin, PARENT_TAG: parent_run_id, KIND_TAG: "backbone", PROCESS_TAG: this_process()}
    run = client.create_run(experiment, start_time=started, run_name=spec.backbone, tags=tags)
    run_id = run.info.run_id
    client.set_tag(run_id, RUN_TAG, run_id)
    close_abandoned(client, spec, parent_run_id)
    with _ended_on_failure(client, run_id):
        describe(client, run_id, spec)
        with written_record(reports, TRAIN) as record:
            record.run_id, record.parent_run_id = run_id, parent_run_id
            with _machine_watched(run_id):
                yield record
            record.add(_measured(client, run_id))
        facts = parent_facts(client, parent_run_id, origin)
        identity = RunIdentity(run_id, parent_run_id, facts, spec, origin, started, milliseconds())
        identity.write(reports / RUN_FILE)
        client.delete_tag(run_id, PROCESS_TAG)
        publish(reports, (TRAIN,))


@contextlib.contextmanager
def _ended_on_failure(client: "MlflowClient", run_id: str) -> Iterator[None]:
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
        with contextlib.suppress(MlflowException):
            if status != "FINISHED":
                client.set_terminated(run_id, status, milliseconds())


@contextlib.contextmanager
def _machine_watched(run_id: str) -> Iterator[None]:
    from mlflow.environment_variables import MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING as ASKED_FOR

    if not ASKED_FOR.get():
        yield
        return
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    monitor = SystemMetricsMonitor(run_id, tracking_uri=tracking_uri())
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()


def _measured(client: "MlflowClient", run_id: str) -> list[Point]:
    """What MLflow has measured of the machine meanwhile."""
    names = [name for name in client.get_run(run_id).data.metrics if name.startswith(SYSTEM)]
    histories = [client.get_metric_history(run_id, name) for name in sorted(names)]
    return [Point(found.key, found.value, found.step, found.timestamp) for row in histories for found in row]
