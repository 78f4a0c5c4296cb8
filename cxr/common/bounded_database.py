"""One small SQLite file for one purpose: several processes write it, its owner alone reads it, its size is bounded.

A connection is opened for one piece of work, so a file that was moved away or mended is found again by the next one.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cxr.common.errors import CxrError

PAGE_BYTES = 4096


class StoreError(CxrError):
    """A store's file cannot be used: it is full, locked, damaged, or another program's."""


@dataclass(frozen=True)
class Database:
    """what: the store's name in an error's sentence. tables: SQL, without semicolons inside a statement. purpose: a
    number of one's own, so that no file of another purpose is taken. version: of the tables. most_bytes: SQLite refuses
    to grow the file beyond. wait_s: for another process that writes."""

    path: Path
    what: str
    tables: str
    purpose: int
    version: int
    most_bytes: int
    wait_s: float

    @contextlib.contextmanager
    def writing(self, make: bool = False) -> Iterator[sqlite3.Connection]:
        """All of the block is written, or nothing of it. make: the file, where it is not there. Raises StoreError."""
        with self.open(make) as db:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")  # where the block failed, the connection's end takes everything back

    @contextlib.contextmanager
    def open(self, make: bool = False) -> Iterator[sqlite3.Connection]:
        """Raises StoreError, also for what SQLite says inside the block."""
        try:
            if make and not self.path.exists():
                os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
            address = f"{self.path.absolute().as_uri()}?mode=rw"
            with contextlib.closing(sqlite3.connect(address, self.wait_s, isolation_level=None, uri=True)) as db:
                self._prepare(db, make)
                yield db
        except (sqlite3.Error, OSError) as fault:
            raise StoreError(f"{self.what} {self.path} cannot be used ({fault})") from None

    def _prepare(self, db: sqlite3.Connection, make: bool) -> None:
        version, purpose = _number(db, "user_version"), _number(db, "application_id")
        if version == 0 and make:
            self._make(db)
        elif (version, purpose) != (self.version, self.purpose):
            raise sqlite3.DatabaseError(
                f"it is of another kind, or has version {version} and this program reads {self.version}; "
                "choose another file"
            )
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA max_page_count = {self.most_bytes // PAGE_BYTES}")

    def _make(self, db: sqlite3.Connection) -> None:
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN IMMEDIATE")
        if _number(db, "user_version") == 0:  # no other process was first
            for statement in filter(str.strip, self.tables.split(";")):
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {self.purpose}")
            db.execute(f"PRAGMA user_version = {self.version}")
        db.execute("COMMIT")


def _number(db: sqlite3.Connection, pragma: str) -> int:
    return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])
