"""The real thing: `bentoml serve` as a process of its own, on a free port of loopback, with its own store."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bentoml
import httpx
import psutil

from cxr.common.atomic_files import write_text
from cxr.inference.bundle import copy_bundle

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 120  # of a machine that is busy with other things


@dataclass
class Server:
    process: subprocess.Popen
    port: int
    log_file: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    @property
    def workers(self) -> list[psutil.Process]:
        """The processes that answer, not the one that watches over them."""
        return psutil.Process(self.process.pid).children()


def store_environment(home: Path, **variables: str) -> dict[str, str]:
    """An environment with a BentoML store of its own and none of this machine's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CXR_", "BENTOML_"))}
    tools = str(Path(sys.executable).parent)
    own = {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True", "PATH": f"{tools}:{kept.get('PATH', '')}"}
    return kept | own | variables


def put_model(home: Path, bundle: Path, tag: str = "covid-cxr") -> str:
    """Store the bundle as the champion; its tag with the version."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "models").mkdir(exist_ok=True)
    with bentoml.models.create(tag, _model_store=_store(home)) as stored:
        copy_bundle(bundle, Path(stored.path))
    write_text(f"{stored.tag}\n", home / "cxr-champions" / tag)
    return str(stored.tag)


def _store(home: Path):
    from bentoml._internal.models import ModelStore

    return ModelStore(home / "models")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextlib.contextmanager
def served(
    home: Path, *, what: str = "service:CovidCxr", cwd: Path = ROOT, arguments: tuple[str, ...] = (), **variables: str
) -> Iterator[Server]:
    """Ready inside the block, stopped after it, whatever happens."""
    port = free_port()
    log_file = home / f"serve-{port}.log"
    command = [sys.executable, "-m", "bentoml", "serve", what, "--host", "127.0.0.1", "--port", str(port), *arguments]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=cwd, env=store_environment(home, **variables), stdout=log, stderr=subprocess.STDOUT
        )
    server = Server(process, port, log_file)
    try:
        await_ready(server)
        yield server
    finally:
        stop(process)


def await_ready(server: Server) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise RuntimeError(f"the server stopped at once:\n{server.log}")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{server.url}/readyz", timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the server is not ready:\n{server.log}")


def stop(process: subprocess.Popen) -> None:
    """Its workers too, should it not stop them itself."""
    family = [] if process.poll() is not None else psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
    for left in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            left.kill()
