"""The DVC remote: from the environment, or the one that the user has configured.

DVC_REMOTE_URL names it, e.g. s3://bucket/folder or a directory. DVC_REMOTE_OPTIONS holds lines "option=value" as
`dvc remote modify` takes them, credentials included. Nothing is written into the repository: the settings are kept
in a temporary folder while the command runs.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from configobj import ConfigObj

from cxr.common.errors import CxrError

NAME = "retraining"


def remote_options(text: str) -> dict[str, str]:
    """The lines "option=value" as a dictionary; empty lines are skipped.

    Raises CxrError on any other line; the error does not show the value, which may be a secret.
    """
    options = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise CxrError(f"DVC_REMOTE_OPTIONS, line {number}: it has no '='; write one option=value a line")
        options[name.strip()] = value.strip()
    return options


@contextlib.contextmanager
def remote_environment(given: Mapping[str, str] = os.environ) -> Iterator[dict[str, str]]:
    """Environment variables that make DVC use the remote that `given` describes; empty where it describes none."""
    url = given.get("DVC_REMOTE_URL", "")
    if not url:
        yield {}
        return
    address = url if "://" in url else str(Path(url).resolve())
    options = remote_options(given.get("DVC_REMOTE_OPTIONS", ""))
    with tempfile.TemporaryDirectory() as folder:
        config = ConfigObj(encoding="utf-8")
        config.filename = str(Path(folder) / "config")
        config["core"] = {"remote": NAME}
        config[f'remote "{NAME}"'] = {**options, "url": address}
        config.write()
        yield {"DVC_GLOBAL_CONFIG_DIR": folder}


def remote_name(environment: Mapping[str, str]) -> str:
    """The remote to name on DVC's command line: ours, else the configured default, else ""."""
    if environment:
        return NAME
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "config", "core.remote"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def dvc(environment: Mapping[str, str], *arguments: str) -> None:
    """Run a DVC command that talks to the remote. Raises CxrError where it fails; DVC has said why."""
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], check=False, env={**os.environ, **environment})
    if done.returncode:
        raise CxrError(
            f"`dvc {arguments[0]}` failed with exit status {done.returncode}; check DVC_REMOTE_URL, its credentials "
            "and whether the extra for its kind is installed (DVC_PLUGIN, docs/retraining.md)"
        )
