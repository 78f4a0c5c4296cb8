"""Training runs in MLflow: one parent for a `dvc repro`, a child for each backbone, made here and found again.

A run knows by a tag which training it is of (`RunIdentity.key`), whatever its id in this store. So a later stage finds
it, and one that the store does not have is made anew from the files: DVC brings files back, but not MLflow's database.
"""

import json
import os
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cxr.tracking.client import log_params, milliseconds
from cxr.tracking.identity import ParentFacts, RunIdentity
from cxr.tracking.spec import GROUP_SECTIONS, DataInput, RunSpec
from cxr.tracking.store import experiment_id, store_lock

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT_TAG = "mlflow.parentRunId"
RUN_TAG = "cxr.run"  # RunIdentity.key
KIND_TAG = "cxr.kind"
GROUP_TAG = "cxr.group"
PROCESS_TAG = "cxr.process"  # of a run that goes on: the machine and the process
SOUGHT = 50  # runs of one training: more than ever come together


def create_run(client: "MlflowClient", experiment: str, identity: RunIdentity, parent_run_id: str) -> str:
    """A run that is RUNNING and has nothing but tags; its id."""
    tags = {**identity.origin, RUN_TAG: identity.key, PARENT_TAG: parent_run_id, KIND_TAG: "backbone"}
    made = client.create_run(experiment, start_time=identity.started, run_name=identity.spec.backbone, tags=tags)
    return str(made.info.run_id)


def describe(client: "MlflowClient", run_id: str, spec: RunSpec) -> None:
    """Its params and data sets. Safe to repeat."""
    log_params(client, run_id, spec.params)
    _log_datasets(client, run_id, spec.datasets)


def find_or_create_parent(client: "MlflowClient", experiment: str, spec: RunSpec, facts: ParentFacts) -> str:
    """The group's parent run, made by the first to ask for it; its id."""
    wanted = {GROUP_TAG: spec.group, KIND_TAG: "parent"}
    with store_lock(client.tracking_uri):
        found = found_runs(client, experiment, wanted)
        if found:
            return str(found[0].info.run_id)
        name = f"repro-{spec.group}"
        tags = {**facts.tags, **wanted}
        mine = client.create_run(experiment, start_time=facts.started, run_name=name, tags=tags).info.run_id
        # No process owns it, so nobody could end it later.
        client.set_terminated(mine, "FINISHED", facts.started)
        log_params(client, mine, {name: spec.params[name] for name in GROUP_SECTIONS if name in spec.params})
        first = found_runs(client, experiment, wanted)[0].info.run_id
    if first != mine:
        client.delete_run(mine)  # on a server without our lock another process was asking too
    return str(first)


def parent_facts(client: "MlflowClient", parent_run_id: str, origin: Mapping[str, str]) -> ParentFacts:
    """What another store has to be told to have the same parent. origin: of a child, whose tags it was made with."""
    run = client.get_run(parent_run_id)
    kept = {name: value for name, value in run.data.tags.items() if name in origin}
    return ParentFacts(kept, run.info.start_time)


def found_runs(client: "MlflowClient", experiment: str, tags: Mapping[str, str]) -> list[Any]:
    """The active runs of the experiment (its id) that carry all the tags; the one with the least id first, in which two
    machines agree."""
    condition = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    found = client.search_runs([experiment], condition, max_results=SOUGHT)
    return sorted(found, key=lambda run: str(run.info.run_id))


def close_abandoned(client: "MlflowClient", spec: RunSpec, parent_run_id: str) -> None:
    """End the runs of this group whose process on this machine was killed before it could."""
    condition = f"tags.`{PARENT_TAG}` = '{parent_run_id}' and attributes.status = 'RUNNING'"
    for run in client.search_runs([experiment_id(client, spec.experiment)], condition):
        if not is_alive(run.data.tags.get(PROCESS_TAG, "")):
            client.set_terminated(run.info.run_id, "KILLED", milliseconds())


def this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def is_alive(process: str) -> bool:
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
