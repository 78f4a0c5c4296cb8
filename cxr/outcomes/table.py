"""A table of outcomes, row by row: what is wrong with a row is named, and the others are read."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cxr.common.errors import CxrError
from cxr.outcomes.records import OUTCOMES, Outcome

OUTCOME = "outcome"
LONGEST_LINE = 100_000


@dataclass(frozen=True)
class OutcomeRow:
    """line: of the file, from 1 on. key: the cell that says which answer. fault: what is wrong, "" where nothing is; no
    cell is quoted, since a table of another kind has names in it."""

    line: int
    key: str = ""
    outcome: Outcome = "unknown"
    fault: str = ""


def read_outcomes(path: Path, keys: Sequence[str]) -> tuple[str, Iterator[OutcomeRow]]:
    """The column of `keys` that the table has, and its rows. Columns are separated by commas, or by semicolons as some
    table programs write them. Raises CxrError where the file is no such table, while it is read too."""
    rows = _rows_of(path)
    head = next(rows, (1, []))[1]
    names = [cell.strip().lower() for cell in head]
    found = [key for key in keys if key in names]
    if OUTCOME not in names or len(found) != 1:
        raise CxrError(
            f"{path} does not have the columns {' or '.join(keys)} (one of them) and {OUTCOME} in its first line; "
            "docs/outcomes.md has an example"
        )
    return found[0], _read(rows, names.index(found[0]), names.index(OUTCOME))


def _read(rows: Iterator[tuple[int, list[str]]], key: int, outcome: int) -> Iterator[OutcomeRow]:
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) <= max(key, outcome):
            yield OutcomeRow(line, fault="it has fewer columns than the first line")
            continue
        said = cells[outcome].strip().lower()
        if said not in OUTCOMES:
            yield OutcomeRow(line, fault=f"its {OUTCOME} is not one of {', '.join(OUTCOMES)}")
            continue
        yield OutcomeRow(line, cells[key].strip(), said)


def _rows_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line and cells. Raises CxrError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline(LONGEST_LINE)
            file.seek(0)
            reader = csv.reader(file, delimiter=";" if ";" in first and "," not in first else ",")
            for cells in reader:
                yield reader.line_num, cells
    except OSError as fault:
        raise CxrError(f"{path} cannot be read ({fault.strerror}); name a CSV table") from None
    except (UnicodeDecodeError, csv.Error):
        raise CxrError(f"{path} is not CSV in UTF-8; save it as such") from None
