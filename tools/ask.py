"""Start the service with a workspace's model, ask it about one validation image, stop it: the end of `make demo`."""

import argparse
import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 120


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def service(model: str, log: Path) -> Iterator[str]:
    """`bentoml serve` on a free port of this machine alone; yields its address once it is ready."""
    port = free_port()
    command = [sys.executable, "-m", "bentoml", "serve", "service:CovidCxr", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "CXR_MODEL": f"{model}:champion"}
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_ready(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_ready(address: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    sys.exit(f"ask: the service was not ready within {READY_WITHIN_S} s; read its log, {log}")


def predict(address: str, picture: bytes) -> dict:
    body = json.dumps({"image": base64.b64encode(picture).decode(), "explain": False}).encode()
    request = urllib.request.Request(f"{address}/predict", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def known_image(workspace: Path) -> Path:
    """The first picture of the workspace's validation patients; the test patients are sealed."""
    for line in (workspace / "data" / "split.csv").read_text(encoding="utf-8").splitlines()[1:]:
        path, _, split = line.rsplit(",", 2)
        if split == "validation":
            return workspace / "data" / "raw" / path
    sys.exit(f"ask: {workspace}/data/split.csv names no validation image; run `dvc repro` there")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    workspace = parser.parse_args().workspace
    params = yaml.safe_load((workspace / "params.yaml").read_text(encoding="utf-8"))
    picture = known_image(workspace)
    with service(params["register"]["model"], workspace / "serve.log") as address:
        answer = predict(address, picture.read_bytes())
    print(f"answer of the service about {picture}:")
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
