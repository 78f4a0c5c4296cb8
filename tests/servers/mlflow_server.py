"""A real `mlflow server`: its database, its files on S3 or in a folder, with a password where one is asked for."""

import contextlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import answers, environment, free_port, running

ADMIN = "admin"
PASSWORD = "not-a-secret-either"


@dataclass(frozen=True)
class MlflowServer:
    """password: "" where it asks for none."""

    port: int
    password: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a client."""
        known = {"MLFLOW_TRACKING_USERNAME": ADMIN, "MLFLOW_TRACKING_PASSWORD": self.password} if self.password else {}
        return {"MLFLOW_TRACKING_URI": self.url, **known}


def why_no_password() -> str:
    """The reason why no server that asks for a password can be had here; "" where it can."""
    return "" if importlib.util.find_spec("flask_wtf") else "no flask-wtf: the group dev brings it"


@contextlib.contextmanager
def mlflow_server(
    folder: Path, backend: str, artifacts: str, variables: Mapping[str, str] | None = None, *, password: bool = False
) -> Iterator[MlflowServer]:
    """Ready inside the block.

    folder: of its log and its users. backend: a database's address. artifacts: a folder's or a bucket's address.
    variables: what it needs besides, such as `S3.variables`. password: whether it asks for one.
    """
    server = MlflowServer(free_port(), PASSWORD if password else "")
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(server.port)]
    command += ["--workers", "1", "--backend-store-uri", backend, "--artifacts-destination", artifacts]
    own = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **(variables or {})}
    if password:
        command += ["--app-name", "basic-auth"]
        own |= _users(folder)
    with running(command, folder / "mlflow-server.log", lambda: answers(f"{server.url}/health"), environment(**own)):
        yield server


def _users(folder: Path) -> dict[str, str]:
    """Settings of MLflow's own passwords, in a database beside the log."""
    settings = folder / "basic_auth.ini"
    lines = ["[mlflow]", "default_permission = READ", f"database_uri = sqlite:///{folder}/users.db"]
    lines += [f"admin_username = {ADMIN}", f"admin_password = {PASSWORD}"]
    lines += ["authorization_function = mlflow.server.auth:authenticate_request_basic_auth"]
    settings.write_text("\n".join(lines) + "\n")
    return {"MLFLOW_AUTH_CONFIG_PATH": str(settings), "MLFLOW_FLASK_SERVER_SECRET_KEY": "for-tests-only"}
