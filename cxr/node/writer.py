"""The one writer of the queue's database: what waits is committed together, and waits for the disk together."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
Action = Callable[[sqlite3.Connection], Any]
BUSY_S = 30.0  # `cxr node retry` may write at the same time
TOGETHER = 64  # actions of one commit


def connect(path: Path) -> sqlite3.Connection:
    """WAL: readers do not wait. synchronous FULL: what was committed survives a loss of power."""
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.row_factory = sqlite3.Row
    return connection


class Writer:
    """A thread with a connection. `write` returns after the commit that has its action in it."""

    def __init__(self, path: Path):
        self._waiting: SimpleQueue[tuple[Action, Future[Any]] | None] = SimpleQueue()
        self._connection = connect(path)
        self._thread = threading.Thread(target=self._run, name="queue-writer", daemon=True)
        self._thread.start()

    def write(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Run `action` in a transaction. Its error undoes it alone and is raised here, as is that of the commit."""
        done: Future[T] = Future()
        self._waiting.put((action, done))
        return done.result()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        """After everything that was given in. Nothing may be given in after it."""
        self._waiting.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            together = [first]
            last = False
            while not self._waiting.empty() and len(together) < TOGETHER and not last:
                more = self._waiting.get()
                if more is None:
                    last = True
                else:
                    together.append(more)
            self._commit(together)
            if last:
                return

    def _commit(self, together: list[tuple[Action, Future[Any]]]) -> None:
        settled: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            settled = [(done, *self._tried(action)) for action, done in together]
            self._connection.execute("COMMIT")
        except sqlite3.Error as fault:  # the disk is full, or the database is locked by another process
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            for _, done in together:
                done.set_exception(fault)
            return
        for done, result, error in settled:
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

    def _tried(self, action: Action) -> tuple[Any, BaseException | None]:
        self._connection.execute("SAVEPOINT one")
        try:
            result = action(self._connection)
        except Exception as error:  # noqa: BLE001 - whoever gave the action in gets it
            self._connection.execute("ROLLBACK TO one")
            self._connection.execute("RELEASE one")
            return None, error
        self._connection.execute("RELEASE one")
        return result, None
