"""Counts by hour in one SQLite file: several processes write it, none of them waits for long, and it stays small.

A row is an hour, a device, a statistic, a bin, how many answers that were, and how many of them the watch has seen.
After HOURS_KEPT hours the rows of a day become one row, at the day's first hour; after DAYS_KEPT days they go.

The largest year: 10 devices x 167 bins x (240 hours + 400 days) are 1.07 million rows of some 22 bytes, 23 MiB, where
every bin of every device is hit in every hour. SQLite itself refuses to grow the file beyond MOST_BYTES; its log of
writes, beside it, takes some 4 MiB more.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cxr.common.bounded_database import Database, StoreError
from cxr.watch.sequential import Counts
from cxr.watch.statistics import STATISTICS

__all__ = ["Key", "Store", "StoreError"]

HOURS_KEPT = 10 * 24
DAYS_KEPT = 400
MOST_DEVICES = 10  # "", which is no DICOM, "other", and the names that the site allows
MOST_BYTES = 44 * 2**20
WAIT_S = 2  # for another process that writes; a flush that has to wait longer is tried again
BINS = max(statistic.bins for statistic in STATISTICS)
PURPOSE = 0x43585257
VERSION = 1

# hour: since 1970, UTC. statistic: its place in STATISTICS.
_TABLES = """
CREATE TABLE devices (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE counts (
    hour INTEGER NOT NULL, device INTEGER NOT NULL, statistic INTEGER NOT NULL, bin INTEGER NOT NULL,
    answers INTEGER NOT NULL, seen INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (hour, device, statistic, bin)) WITHOUT ROWID;
CREATE TABLE look (number INTEGER NOT NULL, document TEXT NOT NULL);
INSERT INTO look VALUES (0, '{}');
"""
_ADD = """
INSERT INTO counts (hour, device, statistic, bin, answers) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET answers = answers + excluded.answers
"""
_TO_DAYS = """
INSERT INTO counts SELECT hour / 24 * 24, device, statistic, bin, SUM(answers), SUM(seen) FROM counts
WHERE hour < :hour AND hour % 24 != 0 GROUP BY 1, 2, 3, 4
ON CONFLICT DO UPDATE SET answers = answers + excluded.answers, seen = seen + excluded.seen
"""
_UNSEEN = """
SELECT hour, statistic, bin, SUM(answers - seen) FROM counts WHERE answers > seen GROUP BY 1, 2, 3 ORDER BY 1
"""
_BETWEEN = "SELECT hour, statistic, bin, SUM(answers) FROM counts WHERE hour >= ? AND hour < ? GROUP BY 1, 2, 3"
_LEFT = """
SELECT hour, device, answers - seen FROM counts WHERE statistic = ? AND bin = ? AND answers > seen AND hour IN (?, ?)
ORDER BY hour = ? DESC
"""


@dataclass(frozen=True)
class Key:
    """hour: since 1970, UTC. device: "" for no DICOM. statistic: its place in STATISTICS."""

    hour: int
    device: str
    statistic: int
    bin: int


@dataclass(frozen=True)
class Store:
    path: Path

    def add(self, counts: Mapping[Key, int]) -> None:
        """Raises StoreError; then nothing of them was written."""
        with self._database.writing(make=True) as db:
            numbers = {name: _device(db, name) for name in {key.device for key in counts}}
            rows = [(key.hour, numbers[key.device], key.statistic, key.bin, n) for key, n in counts.items()]
            db.executemany(_ADD, rows)

    def tidy(self, hour: int) -> None:
        """Make days of old hours, and drop the oldest days. hour: it is now. Raises StoreError."""
        with self._database.writing() as db:
            first = (hour - HOURS_KEPT) // 24 * 24
            db.execute(_TO_DAYS, {"hour": first})
            db.execute("DELETE FROM counts WHERE hour < ? AND hour % 24 != 0", (first,))
            db.execute("DELETE FROM counts WHERE hour < ?", ((hour - 24 * DAYS_KEPT) // 24 * 24,))

    def unseen(self) -> dict[int, Counts]:
        """By hour, in order: int64[statistics, BINS] of the answers that no look has taken. Raises StoreError."""
        return self._by_hour(_UNSEEN)

    def counts(self, first: int, end: int) -> Counts:
        """int64[statistics, BINS] of the hours from `first` on and before `end`. Raises StoreError."""
        return sum(self._by_hour(_BETWEEN, first, end).values(), start=_nothing())

    def devices(self, first: int, end: int) -> dict[str, int]:
        """Answers by device, in the hours from `first` on and before `end`: those of the statistic `gate`, which every
        answer has. Raises StoreError."""
        with self._database.open() as db:
            rows = db.execute(
                "SELECT name, SUM(answers) FROM counts JOIN devices ON devices.number = counts.device"
                " WHERE statistic = ? AND hour >= ? AND hour < ? GROUP BY name",
                (_GATE, first, end),
            )
            return dict(rows.fetchall())

    def document(self) -> tuple[int, str]:
        """The number of the last look, and what it left. Raises StoreError."""
        with self._database.open() as db:
            number, text = db.execute("SELECT number, document FROM look").fetchone()
            return int(number), str(text)

    def looked(self, number: int, document: str, taken: Mapping[int, Counts]) -> bool:
        """Write what look `number` leaves, and mark what it took; False, and nothing is written, where another look has
        been since the one before. taken: as `unseen` gave them. Raises StoreError."""
        with self._database.writing() as db:
            moved = db.execute(
                "UPDATE look SET number = ?, document = ? WHERE number = ?", (number, document, number - 1)
            )
            if moved.rowcount != 1:
                return False
            for hour, counts in taken.items():
                for statistic, place in np.argwhere(counts).tolist():
                    _mark(db, hour, statistic, place, int(counts[statistic, place]))
            return True

    def _by_hour(self, selection: str, *asked: int) -> dict[int, Counts]:
        found: dict[int, Counts] = {}
        with self._database.open() as db:
            for hour, statistic, place, answers in db.execute(selection, asked):
                found.setdefault(hour, _nothing())[statistic, place] = answers
        return found

    @property
    def _database(self) -> Database:
        return Database(self.path, "the watch's store", _TABLES, PURPOSE, VERSION, MOST_BYTES, WAIT_S)


def _device(db: sqlite3.Connection, name: str) -> int:
    """The number of a device; that of "other" where there are too many."""
    known = dict(db.execute("SELECT name, number FROM devices").fetchall())
    if name not in known and len(known) >= MOST_DEVICES - 1 and name != "other":
        return _device(db, "other")
    if name not in known:
        known[name] = len(known)
        db.execute("INSERT INTO devices VALUES (?, ?)", (known[name], name))
    return int(known[name])


def _mark(db: sqlite3.Connection, hour: int, statistic: int, place: int, number: int) -> None:
    """Count `number` answers of a bin as seen, device by device. Their hour may have become part of its day."""
    rows = db.execute(_LEFT, (statistic, place, hour, hour // 24 * 24, hour)).fetchall()
    for at, device, left in rows:
        part = min(number, left)
        db.execute(
            "UPDATE counts SET seen = seen + ? WHERE hour = ? AND device = ? AND statistic = ? AND bin = ?",
            (part, at, device, statistic, place),
        )
        number -= part


def _nothing() -> Counts:
    return np.zeros((len(STATISTICS), BINS), np.int64)


_GATE = next(number for number, statistic in enumerate(STATISTICS) if statistic.name == "gate")
