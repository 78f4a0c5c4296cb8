"""Answers by id, and counts of them, in one SQLite file of bounded size (cxr/common/bounded_database.py).

An id is kept DAYS_KEPT days, for DAYS_OPEN of which its outcome can be told or corrected. The counts stay: they are
what live sensitivity is made of, and an interval that holds at all times needs them from the start.

The largest file: MOST_ANSWERS rows of at most 60 bytes are 29 MiB; above, the oldest ids go early. SQLite itself
refuses to grow the file beyond MOST_BYTES; its log of writes, beside it, takes some 4 MiB more.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cxr.common.bounded_database import Database, StoreError
from cxr.outcomes.records import TRUTHS, Given, Outcome, Setup

__all__ = ["Cell", "OutcomeStore", "Receipt", "StoreError", "Used"]

DAYS_OPEN = 365
DAYS_KEPT = 400
MOST_ANSWERS = 500_000
MOST_SETUPS = 100
MOST_BYTES = 44 * 2**20
WAIT_S = 2
PURPOSE = 0x43585246
VERSION = 1

Receipt = Literal["taken", "unknown_id", "expired_id"]

_TABLES = """
CREATE TABLE setups (
    number INTEGER PRIMARY KEY, model TEXT NOT NULL, site TEXT NOT NULL, profile TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, UNIQUE (model, site, profile));
CREATE TABLE answers (
    id BLOB PRIMARY KEY, hour INTEGER NOT NULL, setup INTEGER NOT NULL, state INTEGER NOT NULL,
    triage INTEGER NOT NULL, bin INTEGER NOT NULL, truth INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE counts (
    setup INTEGER NOT NULL, state INTEGER NOT NULL, triage INTEGER NOT NULL, bin INTEGER NOT NULL,
    truth INTEGER NOT NULL, answers INTEGER NOT NULL,
    PRIMARY KEY (setup, state, triage, bin, truth)) WITHOUT ROWID;
"""
_SETUP = """
INSERT INTO setups (model, site, profile, first, last) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last) RETURNING number
"""
_COUNT = """
INSERT INTO counts VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET answers = answers + excluded.answers
"""
_OLD_SETUPS = "SELECT number FROM setups ORDER BY last DESC, number DESC LIMIT -1 OFFSET ?"


@dataclass(frozen=True)
class Cell:
    """Answers that are alike. state, triage, truth: places in STATES, TRIAGES and TRUTHS. bin: of the probability."""

    state: int
    triage: int
    bin: int
    truth: int


@dataclass(frozen=True)
class Used:
    """A setup, and the hours of its first and last answer, since 1970."""

    setup: Setup
    first: int
    last: int


@dataclass(frozen=True)
class OutcomeStore:
    path: Path

    @property
    def _database(self) -> Database:
        return Database(self.path, "the store of outcomes", _TABLES, PURPOSE, VERSION, MOST_BYTES, WAIT_S)

    def make(self) -> None:
        """Make the file where it is not there. Raises StoreError."""
        with self._database.open(make=True):
            return

    def add(self, answers: Mapping[bytes, Given]) -> None:
        """By id. Raises StoreError; then nothing of them was written."""
        with self._database.writing(make=True) as db:
            numbers = {setup: _number(db, setup, answers) for setup in {given.setup for given in answers.values()}}
            for number, given in answers.items():
                cell = (numbers[given.setup], given.state, given.triage, given.bin)
                db.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, 0)", (number, given.hour, *cell))
                db.execute(_COUNT, (*cell, 0, 1))

    def take(self, outcomes: Sequence[tuple[bytes, Outcome]], hour: int) -> list[Receipt]:
        """What became of each, in order. One that was told before is replaced. hour: it is now. Raises StoreError; then
        none of them was taken."""
        with self._database.writing() as db:
            return [_take(db, number, TRUTHS.index(outcome), hour) for number, outcome in outcomes]

    def tidy(self, hour: int) -> None:
        """Drop the ids that are too old or too many, and the counts of setups long gone. hour: it is now. Raises
        StoreError."""
        with self._database.writing() as db:
            db.execute("DELETE FROM answers WHERE hour < ?", (hour - 24 * DAYS_KEPT,))
            (kept,) = db.execute("SELECT count(*) FROM answers").fetchone()
            if kept > MOST_ANSWERS:
                cut = db.execute("SELECT hour FROM answers ORDER BY hour DESC LIMIT 1 OFFSET ?", (MOST_ANSWERS,))
                db.execute("DELETE FROM answers WHERE hour <= ?", cut.fetchone())
            old = db.execute(_OLD_SETUPS, (MOST_SETUPS,)).fetchall()
            for table, column in (("answers", "setup"), ("counts", "setup"), ("setups", "number")):
                db.executemany(f"DELETE FROM {table} WHERE {column} = ?", old)  # noqa: S608 - names of this line

    def setups(self) -> list[Used]:
        """The one that answered last comes first. Raises StoreError."""
        with self._database.open() as db:
            rows = db.execute("SELECT model, site, profile, first, last FROM setups ORDER BY last DESC, number DESC")
            return [Used(Setup(model, site, profile), first, last) for model, site, profile, first, last in rows]

    def counts(self, setup: Setup) -> dict[Cell, int]:
        """Answers by cell, since the setup's first. Raises StoreError."""
        with self._database.open() as db:
            rows = db.execute(
                "SELECT state, triage, bin, truth, answers FROM counts JOIN setups ON number = setup"
                " WHERE model = ? AND site = ? AND profile = ? AND answers > 0",
                (setup.model, setup.site, setup.profile),
            )
            return {Cell(*key): answers for *key, answers in rows}


def _number(db: sqlite3.Connection, setup: Setup, answers: Mapping[bytes, Given]) -> int:
    hours = [given.hour for given in answers.values() if given.setup == setup]
    found = db.execute(_SETUP, (setup.model, setup.site, setup.profile, min(hours), max(hours))).fetchall()
    return int(found[0][0])


def _take(db: sqlite3.Connection, number: bytes, truth: int, now: int) -> Receipt:
    found = db.execute("SELECT hour, truth, setup, state, triage, bin FROM answers WHERE id = ?", (number,)).fetchone()
    if found is None:
        return "unknown_id"
    hour, before, *cell = found
    if hour < now - 24 * DAYS_OPEN:
        return "expired_id"
    if truth != before:
        db.execute("UPDATE answers SET truth = ? WHERE id = ?", (truth, number))
        db.execute(_COUNT, (*cell, before, -1))
        db.execute(_COUNT, (*cell, truth, 1))
    return "taken"
