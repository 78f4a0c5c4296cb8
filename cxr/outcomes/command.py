"""Outcomes come back by a table, and what they say of the model here.

A table has the columns `id`, as an answer has it, and `outcome`: positive, negative or unknown. A row that is wrong is
named and the others are taken. A later outcome replaces an earlier one.

Exit status: 0 all rows were taken, and no limit of the profile is broken; 1 some rows were not taken, or a limit is
broken; 2 nothing could be taken or said.

OutcomeReport as often as you like: the intervals hold at all times together. docs/outcomes.md says more.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import get_args

from cxr.common.errors import CxrError
from cxr.inference.site_profile import read_profile
from cxr.outcomes.figures import By
from cxr.outcomes.records import Outcome, id_of_text
from cxr.outcomes.report import document_of_report, report_of
from cxr.outcomes.store import DAYS_KEPT, DAYS_OPEN, OutcomeStore
from cxr.outcomes.table import OutcomeRow, read_outcomes
from cxr.outcomes.words import text_of_report

AT_ONCE = 1000  # rows of one transaction
MOST_NAMED = 50  # rows, so that a table of another kind does not fill the screen
FAULTS = {
    "no_id": "its id is none that an answer had",
    "unknown_id": f"the store has no answer of this id; ids are kept {DAYS_KEPT} days",
    "expired_id": f"its answer is older than {DAYS_OPEN} days",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cxr feedback", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", nargs="?", type=Path, metavar="CSV", help="the table of outcomes to take")
    parser.add_argument("--store", type=Path, required=True, metavar="FILE", help="what CXR_FEEDBACK names")
    parser.add_argument("--report", action="store_true", help="print live sensitivity, PPV and the others")
    parser.add_argument(
        "--profile", type=Path, metavar="FILE", help="the site's profile, whose limits are compared with"
    )
    parser.add_argument(
        "--by",
        choices=get_args(By),
        default="triage",
        help="the strata of the correction: state and triage group (the default), or bands of the probability too",
    )
    parser.add_argument("--model", metavar="NAME:VERSION", help="whose answers; the one that answered last by default")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


def command(argv: Sequence[str]) -> int:
    """`cxr feedback`. Raises CxrError in one sentence."""
    parser = _parser()
    wanted = parser.parse_args(argv)
    if wanted.results is None and not wanted.report:
        parser.error("name a table of outcomes, or --report")
    store = OutcomeStore(wanted.store)
    well = wanted.results is None or _taken(store, wanted.results)
    if not wanted.report:
        return 0 if well else 1
    profile = None if wanted.profile is None else read_profile(wanted.profile)
    report = report_of(store, profile, wanted.by, wanted.model)
    said = document_of_report(report)
    sys.stdout.write(json.dumps(said, indent=2) + "\n" if wanted.json else text_of_report(said))
    return 0 if well and not report.broken else 1


def _taken(store: OutcomeStore, table: Path) -> bool:
    """Whether every row was. Raises CxrError where none was, and StoreError."""
    _, rows = read_outcomes(table, ("id",))
    taken = 0
    faults = 0
    for line, fault in _settled(store, rows):
        taken += not fault
        faults += bool(fault)
        if fault and faults <= MOST_NAMED:
            sys.stderr.write(f"cxr: {table}, line {line}: {fault}\n")
    if not taken:
        raise CxrError(f"{table}: no row of {faults} was taken; it takes ids of {store.path} and their outcomes")
    sys.stderr.write(f"feedback: {taken} outcomes taken, {faults} rows not\n")
    return not faults


def _settled(store: OutcomeStore, rows: Iterable[OutcomeRow]) -> Iterator[tuple[int, str]]:
    """Each row's line, and what is wrong with it, "" where it was taken. Raises CxrError."""
    source = iter(rows)
    while some := list(islice(source, AT_ONCE)):
        asked: list[tuple[int, bytes, Outcome]] = []
        for row in some:
            number = id_of_text(row.key)
            if row.fault or number is None:
                yield row.line, row.fault or FAULTS["no_id"]
            else:
                asked.append((row.line, number, row.outcome))
        receipts = store.take([(number, outcome) for _, number, outcome in asked], int(time.time() // 3600))
        for (line, _, _), receipt in zip(asked, receipts, strict=True):
            yield line, FAULTS.get(receipt, "")
