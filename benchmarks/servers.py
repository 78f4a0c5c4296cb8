"""Run servers as processes on free ports of loopback, and stop them in any case."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
READY_WITHIN_S = 180


@dataclass(frozen=True)
class Running:
    url: str
    ready_s: float
    process: psutil.Process

    @property
    def workers(self) -> list[psutil.Process]:
        """The processes that answer: the children, or the process itself where it has none."""
        return self.process.children() or [self.process]

    def cpu_s(self) -> float:
        """Processor time that the workers have used."""
        return sum(sum(worker.cpu_times()[:2]) for worker in self.workers)

    def resident_mib(self) -> float:
        """Of the largest worker."""
        return max(worker.memory_info().rss for worker in self.workers) / 2**20


def bentoml_command(what: str, port: int) -> list[str]:
    return [sys.executable, "-m", "bentoml", "serve", what, "--host", "127.0.0.1", "--port", str(port)]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path, **variables: str) -> Iterator[Running]:
    """Start the server; it is ready inside the block and stopped after it."""
    environment = os.environ | {"BENTOML_DO_NOT_TRACK": "True", "PYTHONPATH": str(ROOT)} | variables
    started = time.perf_counter()
    with log.open("wb") as output:
        process = psutil.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        _await_ready(url, process, log)
        yield Running(url, time.perf_counter() - started, process)
    finally:
        _stop(process)


def _await_ready(url: str, process: psutil.Popen, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):  # not listening yet, or listening and not answering yet
            urllib.request.urlopen(f"{url}/readyz", timeout=5).close()  # noqa: S310 - our own address
            return
        time.sleep(0.05)
    raise RuntimeError(f"{url} is not ready:\n{log.read_text(errors='replace')}")


def _stop(process: psutil.Popen) -> None:
    if process.poll() is not None:
        return
    family = process.children(recursive=True)
    process.terminate()
    try:
        process.wait(30)
    except psutil.TimeoutExpired:
        process.kill()
    for left in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            left.kill()
