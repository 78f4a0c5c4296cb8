"""The program `cxr`: its commands, and how faults become a sentence and an exit status.

An added command is an entry point of the group `cxr.commands`: a function that takes the arguments after the command's
name and gives the exit status. So `cxr predict` runs where only the library is installed.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points, version

from cxr.cli import completion, predict
from cxr.common.errors import CxrError
from cxr.common.usage_reports import switch_off

ADDED = "cxr.commands"
INTERRUPTED = 130  # as shells say it: 128 and the signal's number


def _added_commands() -> dict[str, EntryPoint]:
    return {found.name: found for found in entry_points(group=ADDED)}


def _run_added(found: EntryPoint, rest: Sequence[str]) -> int:
    try:
        command = found.load()
    except ImportError as fault:
        raise CxrError(
            f"`cxr {found.name}` needs the project's checkout with the extras train and serve ({fault}); "
            "run `make install` there"
        ) from None
    return int(command(rest))


def parser(added: Sequence[str]) -> argparse.ArgumentParser:
    """added: names of commands of other packages."""
    whole = argparse.ArgumentParser(prog="cxr", description="Answers about chest X-rays. Not a medical device.")
    whole.add_argument("--version", action="version", version=f"covid-cxr {version('covid-cxr')}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    predict.add_to(commands)
    completion.add_to(commands, lambda: parser(added))
    for name in added:  # only for the list in --help: what follows such a name is the command's own affair
        commands.add_parser(name, help=f"`cxr {name} --help` says more", add_help=False)
    return whole


def _run(words: Sequence[str]) -> int:
    added = _added_commands()
    if words and words[0] in added:
        return _run_added(added[words[0]], words[1:])
    arguments = parser(sorted(added)).parse_args(words)
    return int(arguments.run(arguments))


def main(argv: Sequence[str] | None = None) -> None:
    """Exit status: 0 done, 1 done in part, 2 nothing could be done, 130 interrupted. `cxr predict --help` says more."""
    switch_off()
    words = sys.argv[1:] if argv is None else argv
    try:
        sys.exit(_run(words))
    except CxrError as fault:
        sys.stderr.write(f"cxr: {fault}\n")
        sys.exit(2)
    except BrokenPipeError:
        # The reader, such as `head`, closed the pipe. What is left in the buffer must not fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as fault:
        what = fault.strerror or type(fault).__name__
        sys.stderr.write(f"cxr: {what}: {fault.filename or 'while reading or writing'}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        more = "; with --out, the same command continues where this one stopped" if words[:1] == ["predict"] else ""
        sys.stderr.write(f"cxr: interrupted{more}\n")
        sys.exit(INTERRUPTED)
