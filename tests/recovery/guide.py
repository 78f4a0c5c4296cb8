"""The commands of docs/recovery.md, and a workspace in which they can be typed."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/recovery.md").read_text(encoding="utf-8")

# The real Makefile, with nothing to install.
MAKE = f"""#!/bin/sh
exec {shutil.which("make")} --no-print-directory -C "{ROOT}" -o .venv/bin/uv -o .venv/.pipeline WORK="$PWD" "$@"
"""
# The pipeline itself takes minutes: what it was asked for is noted, and a test does what it needs of that.
DVC = """#!/bin/sh
echo "dvc $*" >> dvc.log
test ! -e dvc.sh || . ./dvc.sh
"""


def blocks() -> dict[str, list[str]]:
    """The scripts below each heading."""
    sections = re.split(r"^##+ (.+)$", GUIDE, flags=re.MULTILINE)[1:]
    found = zip(sections[::2], sections[1::2], strict=True)
    return {title: re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) for title, text in found}


def make_workspace(folder: Path) -> Path:
    """A workspace with this project's code and settings, and commands that do not install anything."""
    folder.mkdir()
    for name in ("cxr", "serving", "params.yaml"):
        (folder / name).symlink_to(ROOT / name)
    commands = folder.parent / "commands"
    commands.mkdir()
    for name, text in {"make": MAKE, "dvc": DVC}.items():
        (commands / name).write_text(text)
        (commands / name).chmod(stat.S_IRWXU)
    return folder


def typed(workspace: Path, script: str, *, fails: bool = False) -> str:
    """What a script of the guide says on both outputs; it has to end well, or not to."""
    path = f"{workspace.parent / 'commands'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    outside = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "BENTOML_HOME", "DVC_ROOT", "DVC_EXP_NAME", "MAKEFLAGS")
    environment = {name: value for name, value in os.environ.items() if name not in outside}
    done = subprocess.run(
        ["bash", "-eu", "-c", script],
        cwd=workspace,
        env={**environment, "PATH": path, "CXR_WHO": "Ada", "PYTHONPATH": str(workspace)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stdout
    return done.stdout
