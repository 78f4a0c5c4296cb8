"""The sealed test in MLflow: metrics and files of the run, tags of the version, and every look that the registry knows.

All names begin with `sealed/`. Everything here is safe to repeat.
"""

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cxr.common.atomic_files import replace_when_complete
from cxr.tracking.registry import Version, connect_mlflow
from cxr.tracking.store import connect

GROUP = "sealed"
LOOK_TAG = f"{GROUP}/look/"  # of the registered model: a version may be deleted, a look may not
FILES_TAG = f"{GROUP}/files/"  # of the version: where a pair's files are


def known_looks(model: str) -> list[dict[str, Any]]:
    """The looks that any workspace has told this registry of."""
    tags = connect().get_registered_model(model).tags
    return [json.loads(text) for name, text in sorted(tags.items()) if name.startswith(LOOK_TAG)]


def tell_looks(model: str, looks: Iterable[Mapping[str, Any]]) -> None:
    """Add those that the registry does not know. Each has an `id`."""
    client = connect()
    known = client.get_registered_model(model).tags
    for look in looks:
        name = LOOK_TAG + look["id"]
        if name not in known:
            client.set_registered_model_tag(model, name, json.dumps(look, sort_keys=True))


def log_sealed(
    version: Version, run_id: str, folder: Path, values: Mapping[str, float], facts: Mapping[str, str]
) -> None:
    """Put a pair's files and numbers where the version's others are.

    folder: its name is the pair's. values: metrics of the run. facts: tags of the version. Both are named without the
    group.
    """
    client = connect()
    place = f"{GROUP}/{folder.name}"
    if not client.list_artifacts(run_id, place):
        client.log_artifacts(run_id, str(folder), place)
    present = client.get_run(run_id).data.metrics
    for name, value in values.items():
        if present.get(f"{GROUP}/{name}") != value:
            client.log_metric(run_id, f"{GROUP}/{name}", value)
    for name, text in facts.items():
        client.set_model_version_tag(version.name, str(version.number), f"{GROUP}/{name}", text)
    address = f"runs:/{run_id}/{place}"
    client.set_model_version_tag(version.name, str(version.number), FILES_TAG + folder.name, address)


def fetch_sealed(version: Version, folder: Path, must_have: str) -> bool:
    """Copy the files of the pair that `folder` is named after, as another workspace has logged them.

    must_have: the name of the file that a whole folder has. False where the registry does not have them.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    address = version.tags.get(FILES_TAG + folder.name)
    if address is None:
        return False
    connect_mlflow()
    with tempfile.TemporaryDirectory() as temporary:
        try:
            found = Path(download_artifacts(artifact_uri=address, dst_path=temporary))
        except (MlflowException, OSError):  # the run was deleted, or its files are out of reach
            return False
        if not (found / must_have).is_file():
            return False
        with replace_when_complete(folder) as partial:
            shutil.copytree(found, partial)
    return True
