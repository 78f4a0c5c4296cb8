"""Make a workspace of the pipeline with some parameters changed. `make demo` and `make real` run in one.

    python -m tools.workspace FOLDER [--params FILE ...] [--set KEY=VALUE ...]

The folder holds a copy of the code, and its own data, models, MLflow store and DVC cache, so that a demo never
changes the project's own. It is a git repository of its own, so that DVC can compare. A second run copies the changed
code, commits it, and keeps data and caches.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from cxr.common.errors import CxrError
from tools import workspace_git

ROOT = Path(__file__).resolve().parent.parent
# No reports, as in the project's own. Links instead of copies: the cache and the workspace share large files.
DVC_CONFIG = """[core]
    no_scm = True
    analytics = false
    check_update = false
[cache]
    type = "reflink,hardlink,copy"
"""
CODE = ("cxr", "stages", "serving", "dvc.yaml", ".dvcignore", ".dvc/plots")


def make_workspace(folder: Path, changes: Sequence[dict[str, Any]]) -> None:
    """Copy the code, merge `changes` over params.yaml in order, and start a DVC repository of its own."""
    if folder.resolve() == ROOT:
        raise CxrError(f"{folder} is the project itself; name another folder, such as demo")
    folder.mkdir(parents=True, exist_ok=True)
    _start_dvc(folder)
    for name in CODE:
        _copy(ROOT / name, folder / name)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for change in changes:
        params = merged(params, change)
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def _start_dvc(folder: Path) -> None:
    """Must come before the code is copied: `dvc init` empties .dvc, where the templates of the plots go."""
    if not (folder / ".dvc" / "config").exists():
        command = [sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet", "--force"]
        subprocess.run(command, cwd=folder, check=True)
        (folder / ".dvc" / "config").write_text(DVC_CONFIG, encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        if target.exists():
            shutil.rmtree(target)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def merged(params: Any, change: Any) -> Any:
    """`change` over `params`, key by key; a key that ends in "!" replaces the whole value instead, and with null it
    takes the key away."""
    if not isinstance(change, dict):
        return change
    result = dict(params) if isinstance(params, dict) else {}
    for key, value in change.items():
        if isinstance(key, str) and key.endswith("!"):
            result[key[:-1]] = value
            if value is None:
                del result[key[:-1]]
        else:
            result[key] = merged(result.get(key), value)
    return result


def setting(text: str) -> dict[str, Any]:
    """ "a.b=value" to {"a": {"b": value}}; the value is read as YAML."""
    path, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} has no value; write it as KEY=VALUE")
    change: Any = yaml.safe_load(value)
    for key in reversed(path.split(".")):
        change = {key: change}
    return change


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--params", type=Path, action="append", default=[], help="a YAML file merged over params.yaml")
    parser.add_argument(
        "--set", action="append", default=[], type=setting, metavar="KEY=VALUE", help="one value, e.g. train.epochs=20"
    )
    arguments = parser.parse_args()
    changes = [yaml.safe_load(file.read_text(encoding="utf-8")) or {} for file in arguments.params]
    try:
        make_workspace(arguments.folder, [*changes, *arguments.set])
    except CxrError as fault:
        parser.error(str(fault))
    workspace_git.main(arguments.folder, "code and parameters")


if __name__ == "__main__":
    main()
