"""A bento's image without an engine: its build context, and its entry point under the rules that a container has.

Those are the machine's files and Python as the image's, all of them read-only, `/tmp` as the only place to write, and a
user without rights and without a home. What the image would install is not: the tests' environment stands in for it.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.bento_server import Server, await_ready, free_port, stop, store_environment

HERE = Path(__file__).parent
USER = "1034"  # of the image
CONTEXT = """
import shutil, sys, bentoml
from bentoml._internal.container import construct_containerfile
with construct_containerfile(bentoml.get(sys.argv[1]), enable_buildkit=False) as (folder, _):
    shutil.copytree(folder, sys.argv[2], dirs_exist_ok=True)
"""


@contextlib.contextmanager
def image_context(home: Path, tag: str) -> Iterator[Path]:
    """What `bentoml containerize` hands an engine, readable for all. Below /tmp: pytest's folders are root's alone."""
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder) / "context"
        command = [sys.executable, "-c", CONTEXT, tag, str(context)]
        subprocess.run(command, env=store_environment(home), check=True, capture_output=True)
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
        (context / "env/docker/entrypoint.sh").chmod(0o755)
        yield context


@contextlib.contextmanager
def contained(context: Path) -> Iterator[str]:
    """The address of the served context. Skips where this machine lets nobody make a read-only root."""
    if not all(map(shutil.which, ("unshare", "setpriv", "chroot"))) or os.geteuid() != 0 or not _may_mount():
        pytest.skip("a read-only root needs Linux, root, and the right to mount")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        root.mkdir()
        inside = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "BENTO_PATH": "/home/bentoml/bento",
            "BENTOML_HOME": "/tmp/bentoml",  # as docs/serving.md says for a read-only root
            "BENTOML_CONTAINERIZED": "true",
            "BENTOML_DO_NOT_TRACK": "True",
        }
        entry = "/home/bentoml/bento/env/docker/entrypoint.sh"
        command = ["unshare", "--mount", "bash", str(HERE / "read_only_root.sh"), str(root), str(context), USER]
        command += ["env", "-i", *(f"{name}={value}" for name, value in inside.items())]
        command += [entry, "serve", "--host", "127.0.0.1", "--port", str(port)]
        log_file = Path(folder) / "log"
        with log_file.open("wb") as log:
            variables = os.environ | {"PYTHON_HOME": sys.base_prefix}
            process = subprocess.Popen(command, env=variables, stdout=log, stderr=subprocess.STDOUT)
        server = Server(process, port, log_file)
        try:
            await_ready(server)
            yield server.url
        finally:
            stop(process)


def _may_mount() -> bool:
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
