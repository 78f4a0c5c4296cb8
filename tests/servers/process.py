"""A server as a process of its own: started, awaited, and ended whatever happens."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

READY_WITHIN_S = 120  # of a machine that is busy with other things
ENDS_WITHIN_S = 20


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def environment(**variables: str) -> dict[str, str]:
    """This process's, without what the person who runs the tests has set about stores and servers."""
    foreign = ("MLFLOW_", "AWS_", "PG", "CXR_", "BENTOML_", "DVC_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | variables


@contextlib.contextmanager
def running(
    command: Sequence[str],
    log: Path,
    is_ready: Callable[[], bool],
    environment: Mapping[str, str],
    ends_by: signal.Signals = signal.SIGTERM,
    **options: Any,
) -> Iterator[subprocess.Popen[bytes]]:
    """Ready inside the block; after it the process and its children are gone. options: of `subprocess.Popen`.

    Raises RuntimeError with the log's end where it does not become ready.
    """
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, env=environment, stdout=written, stderr=subprocess.STDOUT, start_new_session=True, **options
        )
    try:
        await_ready(process, is_ready, log)
        yield process
    finally:
        end(process, ends_by)


def await_ready(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path) -> None:
    latest = time.monotonic() + READY_WITHIN_S
    while not is_ready():
        if process.poll() is not None or time.monotonic() > latest:
            raise RuntimeError(f"{log.stem} did not become ready: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def end(process: subprocess.Popen[bytes], by: signal.Signals) -> None:
    """Politely, then the whole group by force: a server's workers must not outlive it."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(by)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(ENDS_WITHIN_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def answers(url: str) -> bool:
    """Whether a GET answers 200."""
    import httpx

    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url, timeout=2).status_code == 200
    return False
