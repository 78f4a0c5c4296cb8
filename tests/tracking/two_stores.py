"""All that a store knows of the project, so that two stores can be compared: ids that a store draws become names."""

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from cxr.tracking.runs import GROUP_TAG, KIND_TAG, RUN_TAG
from cxr.tracking.store import connect


def contents(experiment: str, model: str) -> dict[str, Any]:
    """Of the present store: every active run by name, and every version of the model."""
    client = connect()
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    runs = client.search_runs([found.experiment_id])
    names = {run.info.run_id: _name(run.data.tags) for run in runs}
    assert len(set(names.values())) == len(names), "a run is there twice"
    versions = client.search_model_versions(f"name = '{model}'")
    return {
        "runs": {names[run.info.run_id]: _run(client, run, names) for run in runs},
        "versions": {int(v.version): _version(client, v, names) for v in versions},
        "aliases": {name: int(number) for name, number in client.get_registered_model(model).aliases.items()},
    }


def _name(tags: dict[str, str]) -> str:
    return f"parent of {tags[GROUP_TAG]}" if tags[KIND_TAG] == "parent" else tags[RUN_TAG]


def _run(client: Any, run: Any, names: dict[str, str]) -> dict[str, Any]:
    histories = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
    return {
        "facts": (run.info.run_name, run.info.status, run.info.start_time, run.info.end_time),
        "params": dict(run.data.params),
        "tags": {key: names.get(value, value) for key, value in run.data.tags.items()},
        "metrics": {name: sorted((m.step, m.value, m.timestamp) for m in row) for name, row in histories.items()},
        "data": sorted(_input(entry) for entry in run.inputs.dataset_inputs),
        "files": files(client, run.info.run_id),
    }


def _input(entry: Any) -> tuple[str, ...]:
    one = entry.dataset
    return (one.name, one.digest, one.source, one.profile, *(f"{tag.key}={tag.value}" for tag in entry.tags))


def files(client: Any, run_id: str) -> dict[str, str]:
    """sha256 by artifact path."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(client.download_artifacts(run_id, "", folder))
        paths = [path for path in root.rglob("*") if path.is_file()]
        return {p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def _version(client: Any, version: Any, names: dict[str, str]) -> dict[str, Any]:
    from mlflow.models import get_model_info

    info = get_model_info(f"models:/{version.name}/{version.version}")
    return {
        "run": names[version.run_id],
        "description": version.description,
        "tags": dict(version.tags),
        "signature": info.signature.to_dict(),
        "example": info.saved_input_example_info is not None,
    }
