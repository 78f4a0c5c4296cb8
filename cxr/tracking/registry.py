"""Registered models: versions, their files, and which version an alias names (cxr/tracking/aliases.py moves them).

A version is known by the hash of its bundle, so registering the same bundle again finds the same version: DVC
may restore old files at any time, and the stage that registers them must be safe to repeat.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxr.common.atomic_files import replace_when_complete, sha256_of
from cxr.common.errors import CxrError
from cxr.inference.bundle import CHECKS
from cxr.tracking.logged_model import log_and_register
from cxr.tracking.store import ADDRESSES, connect, registry_uri, tracking_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
CHALLENGER = "challenger"
PREVIOUS = "previous_champion"
BUNDLE_TAG = "cxr.bundle_sha256"
REPLACED_TAG = "cxr.replaced"
ROLLED_BACK_TAG = "cxr.rolled_back"
REPORT_TAG = "cxr.report"


@dataclass(frozen=True)
class Version:
    """A registered model version. created: the day it was registered (ISO 8601, UTC). rolled_back: when a person took
    it back (ISO 8601, UTC), or ""."""

    name: str
    number: int
    run_id: str
    bundle_sha256: str
    created: str
    description: str
    aliases: tuple[str, ...]
    tags: Mapping[str, str]

    @property
    def rolled_back(self) -> str:
        return self.tags.get(ROLLED_BACK_TAG, "")

    def __str__(self) -> str:
        return f"{self.name} version {self.number}"


def bundle_sha256(bundle: Path) -> str:
    """One hash of the files of a model bundle and their names.

    Without what the bundle is checked by: it tells of the machine and the libraries that made it, and the same model
    made again after an update of Python is no new version.
    """
    files = [path for path in sorted(bundle.iterdir()) if path.is_file() and path.name not in CHECKS]
    lines = [f"{sha256_of(path)}  {path.name}\n" for path in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def register_model(name: str, bundle: Path, run_id: str, description: str, tags: Mapping[str, str]) -> Version:
    """Log the bundle to its run and register it as a version, without any alias; once for each content.

    tags: of the version, e.g. its backbone and metrics. On a version that exists already, description and tags
    are brought up to date.
    """
    if not (bundle / "model.json").is_file():
        raise CxrError(f"{bundle / 'model.json'} is missing; {bundle} is not a model bundle, run `dvc repro`")
    client = connect_mlflow()
    digest = bundle_sha256(bundle)
    number = _registered(client, name, digest) or _log_and_register(client, name, bundle, run_id, digest)
    client.update_model_version(name, str(number), description=description)
    for key, value in tags.items():
        client.set_model_version_tag(name, str(number), key, str(value))
    return _version(client, name, number)


def find_version(name: str, number: int) -> Version:
    """Raises CxrError where the registry does not have it."""
    from mlflow.exceptions import MlflowException

    try:
        return _version(connect(), name, number)
    except MlflowException as fault:
        if fault.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        again = "run `dvc repro --force --single-item register`"
        raise CxrError(f"the registry has no version {number} of {name}; {again}") from None


def named_version(address: str) -> Version:
    """The version of `name@alias` or `name/number`. Raises CxrError where the registry has none."""
    name, at, alias = address.partition("@")
    if at:
        number = aliases(connect(), name).get(alias)
        if number is None:
            raise CxrError(f"the registry has no version of {name} with the alias {alias}; run `dvc repro`")
        return find_version(name, number)
    name, _, text = address.partition("/")
    if not text.isdecimal():
        raise CxrError(f"{address!r} names no registered version; write name@champion or name/3")
    return find_version(name, int(text))


def link_report(version: Version, address: str) -> None:
    """Tag the version with where its report is, e.g. "runs:/<id>/card/report.html"."""
    connect().set_model_version_tag(version.name, str(version.number), REPORT_TAG, address)


def champion(name: str) -> Version | None:
    """The version that the alias champion names, or None."""
    client = connect()
    number = aliases(client, name).get(CHAMPION)
    return None if number is None else _version(client, name, number)


def set_challenger(version: Version) -> Version:
    client = connect()
    client.set_registered_model_alias(version.name, CHALLENGER, str(version.number))
    return _version(client, version.name, version.number)


def fetch_bundle(version: Version, folder: Path) -> Path:
    """Copy the version's bundle into `folder` and check it against its hash. Raises CxrError where it is unreadable."""
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    connect_mlflow()
    with tempfile.TemporaryDirectory() as temporary:
        try:
            address = f"models:/{version.name}/{version.number}"
            root = Path(download_artifacts(artifact_uri=address, dst_path=temporary))
            facts = next((root / "artifacts").glob("*/model.json"), None)
        except (MlflowException, OSError) as fault:
            raise CxrError(f"the files of {version} cannot be read ({_reason(fault)}); register it again") from None
        if facts is None:  # what MLflow finds where the workspace was moved: an empty folder
            raise CxrError(f"the files of {version} are not where they were registered; register it again")
        if bundle_sha256(facts.parent) != version.bundle_sha256:
            raise CxrError(f"the files of {version} are not those that were registered; register it again")
        with replace_when_complete(folder) as partial:
            shutil.copytree(facts.parent, partial)
    return folder


def _registered(client: "MlflowClient", name: str, digest: str) -> int | None:
    """The first version with this bundle whose files are still there."""
    from mlflow.artifacts import list_artifacts
    from mlflow.exceptions import MlflowException

    found = client.search_model_versions(f"name = '{name}' and tags.`{BUNDLE_TAG}` = '{digest}'")
    for number in sorted(int(version.version) for version in found):
        try:
            if list_artifacts(artifact_uri=f"models:/{name}/{number}"):
                return number
        except (MlflowException, OSError):
            continue  # the folder was deleted: register anew
    return None


def _log_and_register(client: "MlflowClient", name: str, bundle: Path, run_id: str, digest: str) -> int:
    """A new version, or the one that another machine has registered of the same bundle at the same time."""
    mine = log_and_register(name, bundle, run_id, {BUNDLE_TAG: digest})
    first = _registered(client, name, digest)
    if first is None or first == mine:
        return mine
    client.delete_model_version(name, str(mine))
    return first


def aliases(client: "MlflowClient", name: str) -> dict[str, int]:
    """The version's number by alias; empty where the model is unknown."""
    from mlflow.exceptions import MlflowException

    try:
        model = client.get_registered_model(name)
    except MlflowException as fault:
        if fault.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        raise
    return {alias: int(number) for alias, number in model.aliases.items()}


def _version(client: "MlflowClient", name: str, number: int) -> Version:
    found = client.get_model_version(name, str(number))
    tags = dict(found.tags)
    return Version(
        name=name,
        number=number,
        run_id=found.run_id or "",
        bundle_sha256=tags.get(BUNDLE_TAG, ""),
        created=time.strftime("%Y-%m-%d", time.gmtime(found.creation_timestamp / 1000)),
        description=found.description or "",
        aliases=tuple(sorted(alias for alias, n in aliases(client, name).items() if n == number)),
        tags=tags,
    )


def connect_mlflow() -> "MlflowClient":
    """`connect`, and MLflow's own functions, which take no client, pointed at the same store.

    MLflow also writes the addresses into the environment, where they would outlast a change of what was set there.
    """
    client = connect()
    import mlflow

    before = {name: os.environ.get(name) for name in ADDRESSES}
    mlflow.set_tracking_uri(tracking_uri())
    mlflow.set_registry_uri(registry_uri())
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return client


def _reason(fault: Exception) -> str:
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0][:200]
