"""The table of results: its columns, which are those of the web page's, and the files it is written to."""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from cxr.common.errors import CxrError
from cxr.common.labels import COVID
from cxr.inference.answer import Answer
from cxr.inference.model_facts import ModelFacts
from cxr.inference.sentences import SENTENCES

Value = str | float | None
Row = dict[str, Value]
# Those of clients/web/csv.js; a test holds the two equal.
COLUMNS = (
    "file",
    "state",
    "percentage",
    "probability_covid",
    "threshold",
    "triage",
    "warnings",
    "reason",
    "message",
    "model",
    "model_version",
    "backbone",
    "site",
    "checked_at",
    "note",
)
NUMBERS = ("percentage", "probability_covid", "threshold")
FAILED = "failed"  # the state of a file that could not be read
FORMATS = ("csv", "json", "parquet")
_SUFFIXES = {".json": "json", ".jsonl": "json", ".ndjson": "json", ".parquet": "parquet"}
_ROWS_AT_ONCE = 1000  # of Parquet
# After a start, a line break, or what a spreadsheet of some locale takes for a separator, these begin a formula.
_FORMULA = re.compile(r"(^|[,;|\t\r\n\"])(\s*)(?=[=+\-@＝＋－＠])")


def answered(file: str, said: Answer, facts: ModelFacts) -> Row:
    """The row of a picture with an answer, which may be a refusal."""
    return _row(
        file=file,
        state=said.state,
        percentage=said.percentage,
        probability_covid=said.probabilities[COVID] if said.probabilities else None,
        threshold=said.threshold,
        triage=said.triage,
        warnings=" ".join(warning.code for warning in said.warnings),
        reason=said.reason.code if said.reason else None,
        message=said.reason.message if said.reason else None,
        model=facts.name,
        model_version=facts.version,
        backbone=facts.backbone,
        site=said.site,
    )


def failed(file: str, code: str, message: str) -> Row:
    """The row of a file that could not be read."""
    return _row(file=file, state=FAILED, reason=code, message=message)


def _row(**values: Value) -> Row:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    whole = values | {"checked_at": now, "note": SENTENCES["disclaimer"]}
    return {column: whole.get(column) for column in COLUMNS}


def format_of(asked: str | None, out: Path | None) -> str:
    """asked: by `--format`. Raises CxrError where this machine or the output cannot have it."""
    chosen = asked or (_SUFFIXES.get(out.suffix.lower(), "csv") if out else "csv")
    if chosen == "parquet":
        if out is None:
            raise CxrError("Parquet is not written to standard output; name a file with --out")
        _parquet()
    return chosen


def write(rows: Iterable[Row], handle: TextIO, kind: str) -> int:
    """kind: csv or json, one object a line. How many rows say that a file could not be read."""
    writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
    if kind == "csv":
        writer.writeheader()
    count = 0
    for row in rows:
        if kind == "csv":
            writer.writerow({column: _cell(value) for column, value in row.items()})
        else:
            handle.write(line_of(row))
        count += row["state"] == FAILED
    return count


def write_parquet(rows: Iterable[Row], path: Path) -> int:
    """As `write`. Numbers are float64, everything else is text; what is missing is null."""
    arrow, parquet = _parquet()
    kinds = [(column, arrow.float64() if column in NUMBERS else arrow.string()) for column in COLUMNS]
    schema = arrow.schema(kinds)
    count = 0
    with parquet.ParquetWriter(path, schema) as writer:
        for part in _parts(rows):
            writer.write_table(arrow.Table.from_pylist(part, schema))
            count += sum(row["state"] == FAILED for row in part)
    return count


def line_of(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def without_formula(text: str) -> str:
    """A file named =HYPERLINK(…) must not become a formula in whoever's spreadsheet; as on the page."""
    return re.sub(r"^(?=[\t\r\n])", "'", _FORMULA.sub(r"\1'\2", text))


def _cell(value: Value) -> Value:
    return without_formula(value) if isinstance(value, str) else value


def _parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    part: list[Row] = []
    for row in rows:
        part.append(row)
        if len(part) == _ROWS_AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _parquet() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise CxrError(
            "Parquet needs pyarrow, which comes with `pip install 'covid-cxr[train]'`; or write CSV or JSON"
        ) from None
    return pyarrow, pyarrow.parquet
