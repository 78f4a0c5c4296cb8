"""The reference page of the command line, from what `--help` prints."""

import contextlib
import io
import os
import re
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from cxr.cli import program

ROOT = Path(__file__).resolve().parent.parent
WIDTH = "88"  # columns of the help texts: what the pages have room for
Command = Callable[[list[str]], Any]


def commands() -> dict[str, Command]:
    """Every command of `cxr` that pyproject.toml adds, by its name: what runs it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {name: _loaded(place) for name, place in project["entry-points"]["cxr.commands"].items()}


def _loaded(place: str) -> Command:
    module, _, name = place.partition(":")
    command: Command = getattr(import_module(module), name)
    return command


def command_line_page() -> str:
    """The help of `cxr` and of every command and subcommand, as it prints it."""
    added = commands()
    whole = program.parser(sorted(added))
    texts = {"cxr": help_of(whole.parse_args, [])}
    for name in _words(texts["cxr"]):
        run, before = (added[name], []) if name in added else (whole.parse_args, [name])
        texts[f"cxr {name}"] = text = help_of(run, before)
        for word in _words(text):
            texts.setdefault(f"cxr {name} {word}", help_of(run, [*before, word]))
    kept = {title: text for title, text in texts.items() if text != texts.get(title.rpartition(" ")[0])}
    head = "# The command line\n\nWhat `--help` prints. A command that needs an extra or a checkout says so.\n"
    return head + "".join(f"\n## {title}\n\n```text\n{text}```\n" for title, text in kept.items())


def help_of(command: Command, words: list[str]) -> str:
    """What the command prints with --help after these words."""
    out = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDTH
    try:
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            command([*words, "--help"])
    finally:
        os.environ.pop("COLUMNS") if before is None else os.environ.update(COLUMNS=before)
    return out.getvalue()


def _words(text: str) -> list[str]:
    """The subcommands that a help text lists, or the words of its first argument."""
    among = re.search(r"^  \{([\w,]+)\}", text, re.MULTILINE)
    listed = re.search(r"^  [A-Z]+\n((?:    .*\n)+)", text, re.MULTILINE)
    if listed:
        return re.findall(r"^    (\w+)", listed[1], re.MULTILINE)
    return among[1].split(",") if among else []
