"""Show that a change of the code did not change the results: compare two workspaces of the pipeline, file by file.

    python -m tools.compare_workspaces BEFORE AFTER [--tolerance 1e-9] [--ignore KEY ...] [--ignore-file FILE ...]
                                       [--renamed OLD=NEW ...]

Both are folders that tools/workspace.py and `dvc repro` have made. Compared are the tables of data/, the pixels by
their hash, all JSON and CSV files of reports/, and each champion's answers about three pictures. Each champion is asked
through its workspace's own copy of the code. Nothing of `cxr` is imported here, so modules may move between the two.
Exit status: 0 everything is the same, 1 something differs, 2 the two cannot be compared.
"""

import argparse
import csv
import hashlib
import io
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tools.comparison_rules import LEFT_OUT, TOLERANCE, LeftOut, Rules

INDEX = "data/index.csv"
RAW = "data/raw"
CHAMPION = "models/champion"
RESULTS = (
    INDEX,
    "data/rejected.csv",
    "data/split.csv",
    "data/split_rejected.csv",
    "data/pixels.npy",
    "reports/**/*.json",
    "reports/**/*.csv",
)
GOLDEN = 3  # pictures that the champions are asked about
ANSWERS = f"answers of {CHAMPION}"
SHOWN = 20  # differences of one file
LONGEST = 200  # characters of a value that are shown
# A cell of a table that holds a number. An id such as 000017 is no number; a hash such as 12e99999 is not finite.
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


class WorkspaceError(Exception):
    """Two folders cannot be compared; the text says why."""


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


ABSENT = _Absent()


@dataclass(frozen=True)
class Mismatch:
    """path: keys from the file's top to the value; places in lists are counted from 0."""

    path: tuple[str, ...]
    before: Any
    after: Any

    def __str__(self) -> str:
        where = " > ".join(self.path) or "file"
        return f"{where}: {_shown(self.before)} before, {_shown(self.after)} after"


@dataclass(frozen=True)
class Compared:
    """One file, or the answers, of both workspaces."""

    name: str
    differences: list[Mismatch]

    def lines(self) -> Iterator[str]:
        """The line of the file, and one for each of the first differences."""
        count = len(self.differences)
        yield f"differs  {self.name} ({count})" if count else f"same     {self.name}"
        for difference in self.differences[:SHOWN]:
            yield f"         {self.name}: {difference}"
        if count > SHOWN:
            yield f"         {self.name}: and {count - SHOWN} more"


def compare(before: Path, after: Path, rules: Rules) -> Iterator[Compared]:
    """Every result file of either workspace, by name, and the champions' answers last."""
    for workspace in (before, after):
        _check(workspace)
    for name in sorted(files_of(before) | files_of(after)):
        present = [(workspace / name).is_file() for workspace in (before, after)]
        if all(present) or not rules.may_be_one_sided(name):
            yield Compared(name, list(_file_differences(before / name, after / name, name, rules)))
    yield Compared(ANSWERS, list(_answer_differences(before, after, rules)))


def _check(workspace: Path) -> None:
    missing = [name for name in (INDEX, CHAMPION) if not (workspace / name).exists()]
    if missing:
        raise WorkspaceError(f"{workspace} has no {' and no '.join(missing)}; run `dvc repro` in it to its end")


def files_of(workspace: Path) -> set[str]:
    """The result files that are there, relative to the workspace."""
    found = (file for pattern in RESULTS for file in workspace.glob(pattern) if file.is_file())
    return {file.relative_to(workspace).as_posix() for file in found}


def _file_differences(before: Path, after: Path, name: str, rules: Rules) -> Iterator[Mismatch]:
    if not (before.is_file() and after.is_file()):
        yield Mismatch((), *("there" if file.is_file() else ABSENT for file in (before, after)))
        return
    left_out = rules.keys_left_out_of(name)
    yield from differences(read_result(before, left_out), read_result(after, left_out), rules)


def read_result(file: Path, left_out: frozenset[str]) -> Any:
    """A result file as plain values, without the keys and columns of `left_out`; an array as its hash."""
    if file.suffix == ".npy":
        with file.open("rb") as handle:
            return {"sha256": hashlib.file_digest(handle, "sha256").hexdigest()}
    text = file.read_text(encoding="utf-8")
    return table(text, left_out) if file.suffix == ".csv" else _document(text, left_out, file)


def _document(text: str, left_out: frozenset[str], file: Path) -> Any:
    def kept(entries: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in entries.items() if key not in left_out}

    try:
        return json.loads(text, object_hook=kept)
    except json.JSONDecodeError as fault:
        raise WorkspaceError(f"{file} is not JSON ({fault})") from None


def table(text: str, left_out: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A CSV table: the place of each column, so that tables without rows differ too, and the rows."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    columns = [name for name in reader.fieldnames or () if name not in left_out]
    rows = [{name: _cell(value) for name, value in row.items() if name not in left_out} for row in reader]
    return {"columns": {name: place for place, name in enumerate(columns)}, "rows": rows}


def _cell(text: Any) -> Any:
    """A number where the text is one. Surplus or missing cells of a row are no text, and stay as they are."""
    if isinstance(text, str) and NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text) if not text.lstrip("-").isdigit() else int(text)
    return text


def differences(before: Any, after: Any, rules: Rules, path: tuple[str, ...] = ()) -> Iterator[Mismatch]:
    """Every value that is not the same; a key or a row that one side lacks is one difference."""
    if isinstance(before, dict) and isinstance(after, dict):
        named = _with_new_names(before, after, rules.renamed)
        for key in dict.fromkeys((*named, *after)):
            yield from differences(named.get(key, ABSENT), after.get(key, ABSENT), rules, (*path, str(key)))
    elif isinstance(before, list) and isinstance(after, list):
        for place, (one, other) in enumerate(zip_longest(before, after, fillvalue=ABSENT)):
            yield from differences(one, other, rules, (*path, str(place)))
    elif not _same(before, after, rules.tolerance):
        yield Mismatch(path, before, after)


def _with_new_names(before: dict[Any, Any], after: dict[Any, Any], renamed: Mapping[str, str]) -> dict[Any, Any]:
    """A key takes its new name only where `after` has that and no longer the old one."""

    def name(key: Any) -> Any:
        new = renamed.get(key, key)
        return new if new in after and new not in before and key not in after else key

    return {name(key): value for key, value in before.items()}


def _same(before: Any, after: Any, tolerance: float) -> bool:
    if _is_number(before) and _is_number(after):
        return bool(before == after or abs(before - after) <= tolerance)
    return type(before) is type(after) and before == after


def _is_number(value: Any) -> bool:
    """Python takes a truth value for a number; here it is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _answer_differences(before: Path, after: Path, rules: Rules) -> Iterator[Mismatch]:
    pictures = golden_pictures((before / INDEX).read_text(encoding="utf-8"))
    left_out = rules.keys_left_out_of(ANSWERS) | {"checked_at"}
    was, now = (table(answers(workspace, pictures), left_out) for workspace in (before, after))
    yield from differences(was, now, rules)


def golden_pictures(index: str) -> list[str]:
    """The first picture of each label, and the first others until there are enough: paths within a workspace."""
    rows = list(csv.DictReader(io.StringIO(index, newline="")))
    first = {row["label"]: row["path"] for row in reversed(rows)}
    in_order = sorted(rows, key=lambda row: first[row["label"]] != row["path"])
    return [f"{RAW}/{row['path']}" for row in in_order[: max(GOLDEN, len(first))]]


def answers(workspace: Path, pictures: Sequence[str]) -> str:
    """The table that the workspace's own code prints: `python -m` looks in the working folder first.

    It runs in float32, since what `auto` takes depends on measured speeds. With -B nothing is written into the
    workspace.
    """
    python = [sys.executable, "-B", "-m", "cxr.cli"]
    command = [*python, "predict", "--model", CHAMPION, "--precision", "f32", *pictures]
    done = subprocess.run(command, cwd=workspace, check=False, capture_output=True, text=True, encoding="utf-8")
    if len(table(done.stdout)["rows"]) != len(pictures):
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise WorkspaceError(f"the champion of {workspace} gives no answers, exit status {done.returncode}: {said}")
    return done.stdout


def renaming(text: str) -> tuple[str, str]:
    """ "old=new" as a pair."""
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise argparse.ArgumentTypeError(f"{text!r} names no two keys; write it as OLD=NEW")
    return old, new


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="between numbers (default: %(default)s)")
    several: dict[str, Any] = {"action": "extend", "nargs": "+", "default": []}
    parser.add_argument("--ignore", metavar="KEY", help="a key or a column that may differ in every file", **several)
    parser.add_argument("--ignore-file", metavar="FILE", help="may be in one workspace only; a pattern", **several)
    parser.add_argument(
        "--renamed", metavar="OLD=NEW", type=renaming, help="a key of before and its name in after", **several
    )
    return parser.parse_args()


def _rules(arguments: argparse.Namespace) -> Rules:
    asked_for = [LeftOut("*", key, "--ignore names it") for key in arguments.ignore]
    return Rules(arguments.tolerance, [*LEFT_OUT, *asked_for], dict(arguments.renamed), arguments.ignore_file)


def _print(results: Iterable[Compared]) -> int:
    """Each as it is found; returns how many differ."""
    found = []
    for result in results:
        print(*result.lines(), sep="\n", flush=True)
        found.append(bool(result.differences))
    print(f"{len(found)} compared, {sum(found)} differ")
    return sum(found)


def main() -> None:
    arguments = _arguments()
    rules = _rules(arguments)
    for rule in rules.left_out:
        print(f"left out {rule.key} of {rule.files}: {rule.reason}")
    try:
        sys.exit(1 if _print(compare(arguments.before, arguments.after, rules)) else 0)
    except (WorkspaceError, OSError) as fault:
        sys.stderr.write(f"compare_workspaces: {fault}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
