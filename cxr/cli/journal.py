"""The rows of a run that is not finished, so that the same command continues after a kill.

Beside `results.csv` lies `results.csv.<digits>.partial` meanwhile, one row a line. The digits stand for the model and
the options: a run with others starts its own.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cxr.cli.table import COLUMNS, Row, line_of


class Journal:
    """Use it in a `with` block; each row is handed to the operating system before the next file is asked about."""

    def __init__(self, out: Path, options: Mapping[str, Any]):
        """out: the table to be. options: all that an answer depends on, as JSON."""
        digits = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:8]
        self._out = out
        self._path = out.with_name(f"{out.name}.{digits}.partial")
        out.parent.mkdir(parents=True, exist_ok=True)
        self.done = self._whole_rows()
        self._handle = self._path.open("a", encoding="utf-8", newline="")

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.close()

    def add(self, row: Row) -> None:
        self._handle.write(line_of(row))
        self._handle.flush()

    def rows(self) -> Iterator[Row]:
        """All rows, of this run and of those that it continues, in the order in which they were added."""
        with self._path.open(encoding="utf-8", newline="") as handle:
            yield from map(json.loads, handle)

    def discard(self) -> None:
        """Remove it, and those of runs with other options that were never finished: the table is whole now."""
        self._handle.close()
        ours = re.compile(re.escape(self._out.name) + r"\.[0-9a-f]{8}\.partial")
        for path in self._out.parent.iterdir():
            if ours.fullmatch(path.name):
                path.unlink()

    def _whole_rows(self) -> set[str]:
        """The files that have a row. What follows the last whole row, such as half a line, is cut off."""
        if not self._path.exists():
            return set()
        done, end = set(), 0
        with self._path.open("rb") as handle:
            for line in handle:
                row = _row(line)
                if row is None:
                    break
                done.add(str(row["file"]))
                end += len(line)
        with self._path.open("r+b") as handle:
            handle.truncate(end)
        return done


def _row(line: bytes) -> Row | None:
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and tuple(row) == COLUMNS else None
