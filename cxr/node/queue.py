"""The queue on disk: what was taken, how far it is, and what every destination still has to get.

An object goes received, asked, answered, done. It ends early as not_picked or refused, and stands as dead until a
person tries again. Everything is committed before anybody is told.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cxr.node.receipt import NodeError, Receipt
from cxr.node.writer import Writer, connect

FILE = "queue.sqlite"
VERSION = 1
OPEN = ("received", "asked", "answered")
CLOSED = ("not_picked", "refused", "done")
SCHEMA = """
CREATE TABLE objects (
    id INTEGER PRIMARY KEY, sop_uid TEXT NOT NULL UNIQUE, sop_class TEXT NOT NULL, digest TEXT NOT NULL,
    source TEXT NOT NULL, file TEXT NOT NULL, received_at REAL NOT NULL, changed_at REAL NOT NULL,
    state TEXT NOT NULL, detail TEXT NOT NULL DEFAULT '', tries INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL DEFAULT 0, cleaned INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX open_objects ON objects (state, due_at, id) WHERE state IN ('received', 'asked', 'answered', 'dead');
CREATE INDEX full_objects ON objects (changed_at) WHERE cleaned = 0;
CREATE TABLE results (
    id INTEGER PRIMARY KEY, object INTEGER NOT NULL REFERENCES objects (id), sop_uid TEXT NOT NULL UNIQUE,
    file TEXT NOT NULL
);
CREATE INDEX results_of ON results (object);
CREATE TABLE deliveries (
    object INTEGER NOT NULL REFERENCES objects (id), destination TEXT NOT NULL, state TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, since REAL NOT NULL, due_at REAL NOT NULL DEFAULT 0,
    detail TEXT NOT NULL DEFAULT '', PRIMARY KEY (object, destination)
);
CREATE INDEX due_deliveries ON deliveries (destination, due_at) WHERE state = 'due';
CREATE TABLE commitments (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, peer TEXT NOT NULL, request TEXT NOT NULL, since REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, due_at REAL NOT NULL DEFAULT 0
);
"""


class Waiting(NamedTuple):
    """One object that is to be asked about. file: below the queue's folder."""

    id: int
    sop_uid: str
    sop_class: str
    file: str
    source: str
    received_at: float
    tries: int


class Delivery(NamedTuple):
    """The results of one object for one destination. received_at: seconds since 1970. files: below the queue's
    folder."""

    object: int
    sop_uid: str
    received_at: float
    tries: int
    files: tuple[str, ...]


@dataclass(frozen=True)
class Arrived:
    """What the queue keeps of an object whose file is on the disk already."""

    sop_uid: str
    sop_class: str
    digest: str
    source: str
    file: str


@contextlib.contextmanager
def in_one_sentence(folder: Path) -> Iterator[None]:
    """Make what SQLite says of the queue in `folder` a NodeError."""
    try:
        yield
    except sqlite3.Error as fault:
        raise NodeError(
            f"{folder / FILE} cannot be used ({fault}); restore a copy of the folder, or move it away: "
            "the node starts with an empty queue then, and senders must send again what waited"
        ) from None


class Queue:
    """Safe from any thread. Two processes may have it open; only one may run the node."""

    def __init__(self, folder: Path):
        """Raises NodeError where it cannot be used."""
        self.folder = folder
        self._path = folder / FILE
        self._readers = threading.local()  # a connection each: one that is read from shows one moment
        with in_one_sentence(folder):
            self.writer = Writer(folder / FILE)
            self.writer.write(_prepare)

    def close(self) -> None:
        self.writer.close()

    def read(self, question: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Rows as of now, past every writer."""
        if not hasattr(self._readers, "own"):
            self._readers.own = connect(self._path)
        return list(self._readers.own.execute(question, values).fetchall())

    def add(self, arrived: Arrived) -> Receipt:
        """TAKEN, KNOWN or CONFLICT; committed when it returns."""

        def action(db: sqlite3.Connection) -> Receipt:
            now = time.time()
            values = (*vars(arrived).values(), now, now)
            fresh = db.execute(
                "INSERT INTO objects (sop_uid, sop_class, digest, source, file, received_at, changed_at, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, 'received') ON CONFLICT DO NOTHING",
                values,
            )
            if fresh.rowcount:
                return Receipt.TAKEN
            known = db.execute("SELECT digest FROM objects WHERE sop_uid = ?", [arrived.sop_uid]).fetchone()
            return Receipt.KNOWN if known["digest"] == arrived.digest else Receipt.CONFLICT

        return self.writer.write(action)

    def start_again(self) -> None:
        """What was being asked when the node ended is asked again: no result of it was committed."""
        self.writer.write(lambda db: db.execute("UPDATE objects SET state = 'received' WHERE state = 'asked'"))

    def claim(self, most: int, workers: int) -> list[Waiting]:
        """Those that wait longest since they came or were put off, fairly divided among the workers, at most `most`;
        they count as asked from now on."""

        def action(db: sqlite3.Connection) -> list[Waiting]:
            now = time.time()
            ids = db.execute(
                "SELECT id FROM objects WHERE state = 'received' AND due_at <= ? "
                "ORDER BY max(due_at, received_at), id LIMIT ?",
                (now, most * workers),
            ).fetchall()
            mine = [row["id"] for row in ids[: -(-len(ids) // workers)]]
            marks = ", ".join("?" * len(mine))
            db.execute(
                f"UPDATE objects SET state = 'asked', tries = tries + 1, changed_at = ? WHERE id IN ({marks})",  # noqa: S608 - marks only
                (now, *mine),
            )
            fields = ", ".join(Waiting._fields)
            rows = db.execute(f"SELECT {fields} FROM objects WHERE id IN ({marks}) ORDER BY id", mine)  # noqa: S608
            return [Waiting(*row) for row in rows]

        return self.writer.write(action)

    def postpone(self, one: int, wait_s: float, counted: bool) -> None:
        """Asked again in wait_s seconds, unless it is settled already. counted: the try counts."""
        values = (time.time(), time.time() + wait_s, 0 if counted else 1, one)
        self.writer.write(
            lambda db: db.execute(
                "UPDATE objects SET state = 'received', changed_at = ?, due_at = ?, tries = tries - ? "
                "WHERE id = ? AND state = 'asked'",
                values,
            )
        )

    def end(self, one: int, state: str, detail: str) -> None:
        """Unless it is settled already. state: one of CLOSED, or dead. detail: a code, no text of the picture's."""
        self.writer.write(lambda db: _set_state(db, one, state, detail))

    def answer(self, one: int, state: str, results: Sequence[tuple[str, str]], destinations: Sequence[str]) -> None:
        """The results are on the disk: (UID, file) of each. state: what was answered."""

        def action(db: sqlite3.Connection) -> None:
            now = time.time()
            db.executemany(
                "INSERT INTO results (object, sop_uid, file) VALUES (?, ?, ?)", [(one, *result) for result in results]
            )
            db.executemany(
                "INSERT INTO deliveries (object, destination, state, since) VALUES (?, ?, 'due', ?)",
                [(one, name, now) for name in destinations],
            )
            _set_state(db, one, "answered" if destinations else "done", state)

        self.writer.write(action)

    def is_own(self, sop_uid: str) -> bool:
        """Whether this node made the object: an archive may send results back to it."""
        return bool(self.read("SELECT 1 FROM results WHERE sop_uid = ?", [sop_uid]))

    def depth(self) -> int:
        """Objects that are not finished."""
        return int(
            self.read("SELECT count(*) AS n FROM objects WHERE state IN ('received', 'asked', 'answered')")[0]["n"]
        )

    def oldest(self) -> float | None:
        """When the oldest unfinished object was taken, in seconds since 1970."""
        found = self.read("SELECT min(received_at) AS t FROM objects WHERE state IN ('received', 'asked', 'answered')")[
            0
        ]["t"]
        return None if found is None else float(found)


def _set_state(db: sqlite3.Connection, one: int, state: str, detail: str) -> None:
    db.execute(
        "UPDATE objects SET state = ?, detail = ?, changed_at = ? WHERE id = ? AND state = 'asked'",
        (state, detail, time.time(), one),
    )


def _prepare(db: sqlite3.Connection) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise NodeError(
            f"{FILE} was written by a later version (layout {version}, this one knows {VERSION}); update the program"
        )
    if version == 0:
        for statement in SCHEMA.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")
