"""Starting the programs of the stack without containers: on free ports of loopback, stopped whatever happens."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.serving.bento_server import stop

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
WITHIN_S = 120  # of a machine that is busy with other things
DEBIAN = {
    "nginx": "nginx-light",
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
}


def program(name: str) -> str:
    """Its path. Skips the test where the machine does not have it."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        pytest.skip(f"no {name}: install Debian's package {DEBIAN[name]}")
    return found


def free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        free = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [listening.getsockname()[1] for listening in free]


@contextlib.contextmanager
def running(command: Sequence[str], log: Path, **options: object) -> Iterator[subprocess.Popen]:
    """The process inside the block; it and its children are gone after it."""
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        stop(process)


def wait_for(holds: Callable[[], object], log: Path | None = None, within_s: float = WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"it did not happen:\n{log.read_text(errors='replace')[-4000:] if log else ''}")
        time.sleep(0.1)


def answers(address: str, status: int = 200) -> bool:
    """Whether there is an answer with that status, whoever signed the certificate."""
    context = ssl._create_unverified_context() if address.startswith("https") else None
    try:
        with urllib.request.urlopen(address, timeout=5, context=context) as response:
            return response.status == status
    except urllib.error.HTTPError as fault:
        return fault.code == status
    except OSError:
        return False


@contextlib.contextmanager
def replica(folder: Path, champion: Path, port: int, **variables: str) -> Iterator[subprocess.Popen]:
    """A replica as its container starts it, by deploy/serve.sh; not waited for."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CXR_", "BENTOML_"))}
    folder.mkdir(parents=True)
    own = {
        "PATH": f"{Path(sys.executable).parent}:{kept.get('PATH', '')}",
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(folder / "bentoml"),
        "CHAMPION": str(champion),
        "CXR_WORKERS": "1",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WAIT_S": "0.2",
    }
    with running([str(DEPLOY / "serve.sh")], folder / "log", cwd=ROOT, env=kept | own | variables) as process:
        yield process
