"""From outcomes of studies or images to outcomes of answers, by the audit trail: no UID leaves the node."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from cxr.node.audit import FILE, KEY_FILE, read_pseudonyms
from cxr.node.receipt import NodeError
from cxr.outcomes.records import id_of_text
from cxr.outcomes.table import read_outcomes

# A table's column, to the kind of the pseudonym and to its field in the audit trail.
COLUMNS = {"study": ("study", "study"), "sop": ("object", "object")}


def write_answers(folder: Path, table: Path, out: TextIO, faults: TextIO) -> bool:
    """Write `id,outcome` lines for a table of `study` or `sop` UIDs. folder: of the node's queue. faults: gets the line
    of each row that has no answer, without its content. Whether every row has one. Raises CxrError."""
    column, rows = read_outcomes(table, tuple(COLUMNS))
    kind, field = COLUMNS[column]
    try:
        pseudonyms = read_pseudonyms(folder / KEY_FILE)
        answers = _answers_by(field, folder / FILE)
    except OSError as fault:
        raise NodeError(f"{folder}: the node's audit trail or its key cannot be read ({fault.strerror})") from None
    out.write("id,outcome\n")
    well = True
    for row in rows:
        ids = answers.get(pseudonyms.of(kind, row.key), ()) if row.key else ()
        why = row.fault or ("" if ids else f"the node has no answer with an id for this {column}")
        if why:
            faults.write(f"cxr: {table}, line {row.line}: {why}\n")
            well = False
            continue
        out.writelines(f"{number},{row.outcome}\n" for number in ids)
    return well


def _answers_by(field: str, trail: Path) -> Mapping[str, list[str]]:
    """By pseudonym, the ids of the answers. Raises OSError."""
    found: dict[str, list[str]] = {}
    with trail.open(encoding="utf-8") as lines:
        for line in lines:
            if '"answer"' not in line:
                continue
            try:
                said = json.loads(line)
            except ValueError:
                continue  # the last line of a node that was killed
            if said.get(field) and id_of_text(said.get("answer", "")):
                found.setdefault(said[field], []).append(said["answer"])
    return found
