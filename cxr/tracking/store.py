"""Where runs are kept: a SQLite file in the workspace, or whatever MLFLOW_TRACKING_URI names."""

import contextlib
import functools
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cxr.common.errors import CxrError
from cxr.tracking.rehoming import ARTIFACT_ROOT, ARTIFACTS_FOLDER, Rehomed, rehome

if TYPE_CHECKING:
    from mlflow import MlflowClient

STORE_FILE = "mlflow.db"
SQLITE = "sqlite:///"
logger = logging.getLogger(__name__)

# Read by MLflow at import. A person's own setting wins.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing about a hospital's runs leaves the machine unasked
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # its own 7 keep a stage waiting for minutes on a server that is down
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


def workspace() -> Path:
    """The project's root. DVC names it in DVC_ROOT, also to a stage that `dvc exp run --temp` runs in a copy."""
    return Path(os.environ.get("DVC_ROOT") or ".").resolve()


ADDRESSES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")  # as people and MLflow set them


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, else the workspace's own store; a SQLite file's path is always absolute.

    A relative one would be lost with the folder of `dvc exp run --temp`.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or SQLITE + STORE_FILE
    path = _sqlite_path(uri)
    return uri if path is None else SQLITE + str(path)


def registry_uri() -> str:
    """Where registered models are kept: MLFLOW_REGISTRY_URI, else beside the runs."""
    return os.environ.get("MLFLOW_REGISTRY_URI") or tracking_uri()


def artifact_location() -> str | None:
    """Where a database's runs keep their files: MLFLOW_DEFAULT_ARTIFACT_ROOT, else a folder beside the SQLite file, or
    in the workspace. None where a server decides."""
    uri = tracking_uri()
    if urlsplit(uri).scheme in ("http", "https"):
        return None
    path = _sqlite_path(uri)
    folder = workspace() if path is None else path.parent
    return os.environ.get(ARTIFACT_ROOT) or (folder / ARTIFACTS_FOLDER).as_uri()


def connect() -> "MlflowClient":
    """A client of the store, which is created or upgraded first.

    Safe from several processes at once. Raises CxrError where the store cannot be reached.
    """
    return _client(tracking_uri(), registry_uri())


@contextlib.contextmanager
def store_lock(uri: str) -> Iterator[None]:
    """One process at a time, for a SQLite store; a server keeps its own order.

    MLflow's first use of a fresh SQLite file fails in all but one of several processes.
    """
    path = _sqlite_path(uri)
    if path is None:
        yield
        return
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(path.name + ".lock")):  # the system frees it even when the process is killed
        yield


def experiment_id(client: "MlflowClient", name: str) -> str:
    """The experiment of that name, created where there is none and restored where it was deleted."""
    with store_lock(client.tracking_uri):
        found = client.get_experiment_by_name(name)
        if found is None:
            return _create_experiment(client, name)
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return found.experiment_id


def repair(uri: str) -> Rehomed | None:
    """Where the workspace was moved or copied: have its own SQLite file look for MLflow's files beside it. None where
    nothing was to be done."""
    path = _sqlite_path(uri)
    return None if path is None else rehome(path)


def without_password(uri: str) -> str:
    """The address with its user and password masked, for messages."""
    return re.sub(r"//[^/@]+@", "//***@", uri)


@functools.lru_cache(maxsize=8)
def _client(uri: str, registry: str) -> "MlflowClient":
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError  # MLflow's own: it lets through what a damaged file raises

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    try:
        with store_lock(uri):
            moved = repair(uri)
            if moved is not None:
                logger.warning("%s", moved)
            return _opened(MlflowClient, uri, registry)
    except MlflowException as fault:
        raise CxrError(
            f"MLflow's store {without_password(uri)} cannot be used ({_first_line(fault)}); "
            "start the server, or correct or unset MLFLOW_TRACKING_URI"
        ) from None
    except SQLAlchemyError as fault:
        raise CxrError(
            f"MLflow's store {without_password(uri)} cannot be used ({_first_line(fault)}); it is damaged or locked: "
            "end other programs that use it, or put a copy in its place (docs/recovery.md)"
        ) from None


def _opened(client_type: type["MlflowClient"], uri: str, registry: str) -> "MlflowClient":
    from mlflow.exceptions import MlflowException

    try:
        client = client_type(tracking_uri=uri, registry_uri=registry)
        client.search_experiments(max_results=1)  # the first request creates the tables
    except MlflowException as fault:
        if "out-of-date" not in str(fault) or _sqlite_path(uri) is None:
            raise
        _upgrade(uri)
        client = client_type(tracking_uri=uri, registry_uri=registry)
        client.search_experiments(max_results=1)
    return client


def _upgrade(uri: str) -> None:
    done = subprocess.run(  # noqa: S603 (our own interpreter and a path of ours)
        [sys.executable, "-m", "mlflow", "db", "upgrade", uri], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise CxrError(f"{uri} was made by an older MLflow and could not be upgraded ({last}); move the file away")


def _create_experiment(client: "MlflowClient", name: str) -> str:
    from mlflow.exceptions import MlflowException

    try:
        return client.create_experiment(name, artifact_location=artifact_location())
    except MlflowException:
        found = client.get_experiment_by_name(name)  # a server: another process was faster
        if found is None:
            raise
        return found.experiment_id


def _sqlite_path(uri: str) -> Path | None:
    """The absolute path of a SQLite URI; None for any other."""
    if not uri.startswith(SQLITE):
        return None
    return workspace() / uri.removeprefix(SQLITE).partition("?")[0]


def _first_line(fault: Exception) -> str:
    return without_password((str(fault).strip().splitlines() or ["no reason given"])[0][:200])
