"""The command line: `cxr predict FILES… --out results.csv`, and commands that other packages add.

An added command is an entry point of the group `cxr.commands`: a function that takes the arguments after the command's
name and gives the exit status. So `cxr predict` runs where only the library is installed.
"""

import argparse
import csv
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import NamedTuple, TextIO

from cxr.common.atomic_files import replace_when_complete
from cxr.common.errors import CxrError, ImageError
from cxr.common.labels import COVID
from cxr.common.parallel import bar
from cxr.common.paths import CHAMPION
from cxr.common.usage_reports import switch_off
from cxr.imaging.decode import decode
from cxr.inference.answer import answer
from cxr.inference.precision import FASTEST_FIRST
from cxr.inference.predictor import Predictor


class Result(NamedTuple):
    """One line of the results. percentage: of `state`. warnings: codes, joined by spaces. error: why there is no
    answer; a refused picture has a state and a reason there, an unreadable file has no state."""

    file: str
    state: str
    percentage: str
    p_covid: str
    warnings: str
    error: str


def predict_files(model: Predictor, files: Sequence[Path]) -> Iterator[Result]:
    """One result a file, in the order of `files`. One file is in memory at a time."""
    with bar(len(files), "predict") as advance:
        for file in files:
            yield _predict_file(model, file)
            advance(1)


def _predict_file(model: Predictor, file: Path) -> Result:
    name = str(file).encode("utf-8", "backslashreplace").decode()  # old disks have names in other encodings
    try:
        said = answer(model, decode(file.read_bytes()))
    except ImageError as fault:
        return Result(name, "", "", "", "", f"{fault.code}: {fault}")
    except OSError as fault:
        return Result(name, "", "", "", "", f"unreadable: {fault.strerror}")
    warnings = " ".join(warning.code for warning in said.warnings)
    if said.probabilities is None or said.percentage is None:
        reason = f"{said.reason.code}: {said.reason.message}" if said.reason else ""
        return Result(name, said.state, "", "", warnings, reason)
    return Result(name, said.state, f"{said.percentage:.2f}", repr(said.probabilities[COVID]), warnings, "")


def _expand(paths: Sequence[Path]) -> list[Path]:
    """The named files, and for a named folder all files under it that are not hidden."""
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise CxrError(f"{path} does not exist; name picture files or folders of them")
        inside = (
            sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
            if path.is_dir()
            else [path]
        )
        files.extend(inside)
    if not files:
        raise CxrError(f"{', '.join(map(str, paths))}: no file in there; name picture files or folders of them")
    return files


def _predict(arguments: argparse.Namespace) -> int:
    if arguments.out is not None and arguments.out.is_dir():
        raise CxrError(f"--out {arguments.out} is a folder; name a file for the table")
    # One picture at a time, on all cores.
    model = Predictor.load(arguments.model, precision=arguments.precision, latency=True)
    results = predict_files(model, _expand(arguments.files))
    failed = 0
    if arguments.out is None:
        failed = _write(results, sys.stdout)
    else:
        with replace_when_complete(arguments.out) as partial, partial.open("w", newline="", encoding="utf-8") as handle:
            failed = _write(results, handle)
    return 1 if failed else 0


def _write(results: Iterator[Result], handle: TextIO) -> int:
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(Result._fields)
    failed = 0
    for result in results:
        writer.writerow(result)
        failed += not result.state  # a refused picture has one
    return failed


ADDED = "cxr.commands"


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


def _parser(added: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cxr", description="Answers about chest X-rays. Not a medical device.")
    commands = parser.add_subparsers(required=True)
    _add_predict(commands.add_parser("predict", help="classify picture files or folders of them into a CSV table"))
    for name in added:  # only for the list in --help: what follows such a name is the command's own affair
        commands.add_parser(name, help=f"`cxr {name} --help` says more", add_help=False)
    return parser


def _add_predict(predict: argparse.ArgumentParser) -> None:
    predict.add_argument("files", nargs="+", type=Path, metavar="FILES")
    predict.add_argument("--out", type=Path, help="CSV file to write; without it the table goes to standard output")
    predict.add_argument("--model", type=Path, default=CHAMPION, help="folder of a model (default: %(default)s)")
    predict.add_argument(
        "--precision",
        choices=["auto", *FASTEST_FIRST],
        default="auto",
        help="of the trunk; auto, as in the service: the fastest that was measured to answer the same",
    )
    predict.set_defaults(run=_predict)


def _run(words: Sequence[str]) -> int:
    added = _added_commands()
    if words and words[0] in added:
        return _run_added(added[words[0]], words[1:])
    arguments = _parser(sorted(added)).parse_args(words)
    return int(arguments.run(arguments))


def main(argv: Sequence[str] | None = None) -> None:
    """Exit status: 0 all answered, 1 some files could not be read, 2 nothing could be done."""
    switch_off()
    try:
        sys.exit(_run(sys.argv[1:] if argv is None else argv))
    except CxrError as fault:
        sys.stderr.write(f"cxr: {fault}\n")
        sys.exit(2)
    except BrokenPipeError:
        # The reader, such as `head`, closed the pipe. What is left in the buffer must not fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as fault:
        sys.stderr.write(f"cxr: {fault.strerror}: {fault.filename or 'while writing the table'}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit("cxr: interrupted; the table is not complete")


if __name__ == "__main__":
    main()
