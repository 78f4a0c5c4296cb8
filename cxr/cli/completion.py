"""`cxr completion SHELL`: a script that completes commands, options and file names.

The script is printed once and holds all words, so that a press of the tabulator starts no Python.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SHELLS = ("bash", "zsh", "tcsh")
EXAMPLES = """\
examples:
  cxr completion bash >> ~/.bashrc
  cxr completion zsh > "${fpath[1]}/_cxr"
"""


def add_to(commands: Any, whole: Callable[[], argparse.ArgumentParser]) -> None:
    """whole: makes the parser of all commands."""
    adding = commands.add_parser(
        "completion",
        help="print a script that completes `cxr` in a shell",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    adding.add_argument("shell", choices=SHELLS)
    adding.set_defaults(run=lambda arguments: _print(whole(), arguments.shell))


def _print(whole: argparse.ArgumentParser, shell: str) -> int:
    import shtab

    _complete_files(whole, shtab.FILE)
    sys.stdout.write(shtab.complete(whole, shell=shell) + "\n")
    return 0


def _complete_files(parser: argparse.ArgumentParser, files: Mapping[str, Any]) -> None:
    for action in parser._actions:  # argparse has no public list of them
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _complete_files(command, files)
        elif action.type is Path:
            action.complete = files  # type: ignore[attr-defined]  # where shtab looks for it
