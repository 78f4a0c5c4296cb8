"""From a backbone's files to a run of any MLflow store: run.json and the stages' records, and nothing else.

Stages call it for the workspace's own store, and the stage `register` for whichever store it registers in. Both are
told by this code alone, so two stores cannot differ. What a run has been told is marked on it by the record's hash:
publishing again changes nothing. A run whose record has changed since keeps what it was told, and the new results get a
run of their own.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxr.tracking.client import TrainingRecord, log_points, milliseconds
from cxr.tracking.identity import RunIdentity
from cxr.tracking.records import StageRecord, StoredRecord, evaluation_values, read_records, written_record
from cxr.tracking.runs import PARENT_TAG, RUN_TAG, create_run, describe, find_or_create_parent, found_runs
from cxr.tracking.store import connect, experiment_id

if TYPE_CHECKING:
    from mlflow import MlflowClient

TOLD_TAG = "cxr.told."  # of a run, by stage: the hash of the record that it was told
RUN_FILE = "run.json"
TRAIN = "train"
VALIDATION = "validation"


@contextlib.contextmanager
def recorded(reports: Path, stage: str) -> Iterator[StageRecord]:
    """A stage's record, written and published to the present store after the block. reports: of its backbone."""
    with written_record(reports, stage) as record:
        yield record
    told = publish(reports, (TRAIN, stage))
    record.run_id, record.parent_run_id = told.run_id, told.parent_run_id


def publish(reports: Path, stages: Sequence[str] | None = None) -> TrainingRecord:
    """The run of reports/run.json in the present store, told the records of `stages`, or of all: made where it is
    missing. Safe to repeat, and from two machines at once."""
    identity = RunIdentity.read(reports / RUN_FILE)
    records = read_records(reports, stages)
    client = connect()
    experiment = experiment_id(client, identity.spec.experiment)
    run = _matching(client, experiment, identity, records)
    made = run is None
    if run is None:
        parent = find_or_create_parent(client, experiment, identity.spec, identity.parent)
        run = client.get_run(create_run(client, experiment, identity, parent))
    _tell(client, run, records, identity)
    if made:
        first = _matching(client, experiment, identity, records)
        if first is not None and first.info.run_id != run.info.run_id:
            client.delete_run(run.info.run_id)  # another machine was publishing it at the same time
            return publish(reports, stages)
    parent = run.data.tags[PARENT_TAG]
    _end_not_before(client, parent, identity.ended)
    return TrainingRecord(client, run.info.run_id, parent, identity.spec, identity.origin, identity.ended)


def log_winner(record: TrainingRecord, evaluation: Mapping[str, Any], reason: str) -> None:
    """Say on the parent which backbone won, and with what validation metrics. Saying the same again changes nothing."""
    parent = record.parent
    before = record.client.get_run(parent.run_id).data
    parent.tag(winner=record.spec.backbone, winner_run=record.run_id, winner_reason=reason)
    values = {f"{VALIDATION}/{name}": value for name, value in evaluation_values(evaluation).items()}
    changed = {name: value for name, value in values.items() if before.metrics.get(name) != value}
    if changed and before.tags.get("cxr.winner_run") not in (None, record.run_id):
        parent.time = milliseconds()  # later than those of the winner before
    parent.log_metrics(changed)


def _matching(client: "MlflowClient", experiment: str, identity: RunIdentity, records: Sequence[StoredRecord]) -> Any:
    """The run of this identity that has been told nothing else than these records, or None. Of several the one whose id
    is least, so that two machines agree."""
    for run in found_runs(client, experiment, {RUN_TAG: identity.key}):
        told = run.data.tags
        if all(told.get(TOLD_TAG + record.stage, record.digest) == record.digest for record in records):
            return run
    return None


def _tell(client: "MlflowClient", run: Any, records: Sequence[StoredRecord], identity: RunIdentity) -> None:
    """Each step is safe to repeat, and a record's mark comes last: what a killed process left undone is done now."""
    run_id = run.info.run_id
    unfinished = run.info.status != "FINISHED"
    if unfinished:
        describe(client, run_id, identity.spec)
    for record in records:
        if TOLD_TAG + record.stage not in run.data.tags:
            _tell_record(client, run_id, record, identity.ended)
    if unfinished:
        client.set_terminated(run_id, "FINISHED", identity.ended)


def _tell_record(client: "MlflowClient", run_id: str, record: StoredRecord, ended: int) -> None:
    log_points(client, run_id, record.points, ended)
    for name, path in record.files.items():
        client.log_artifact(run_id, str(path), name.rpartition("/")[0] or None)
    for key, value in record.tags.items():
        client.set_tag(run_id, key, value)
    client.set_tag(run_id, TOLD_TAG + record.stage, record.digest)


def _end_not_before(client: "MlflowClient", parent_run_id: str, ended: int) -> None:
    """The parent ends with its last child."""
    if (client.get_run(parent_run_id).info.end_time or 0) < ended:
        client.set_terminated(parent_run_id, "FINISHED", ended)
