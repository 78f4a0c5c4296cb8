"""What a worker holds is written to a store every few seconds, in a thread, so that an answer waits for no disk.

Whatever happens here, an answer that was made is given: a fault is counted, and the log has it once.
"""

import contextlib
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sized
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from cxr.common.bounded_database import StoreError

logger = logging.getLogger("bentoml.covid_cxr")

FLUSH_S = 5
TIDY_S = 3600
MOST_COMPLAINTS = 20  # different ones, in the log

H = TypeVar("H", bound=Sized)  # what is held


def nobody(*_: object) -> None:
    """Told, and does nothing."""
    return


class BoundedStore(Protocol):
    """What is written to. `add` writes all that is held or raises StoreError; `tidy` drops what is too old."""

    @property
    def path(self) -> Path: ...

    def add(self, held: Any, /) -> None: ...

    def tidy(self, hour: int) -> None: ...


class PeriodicWriter(ABC, Generic[H]):
    """store: is written to. name: of the thread and of the purpose, in the log. failed: told of each fault. wrote: told
    after each flush. clock: seconds since 1970. A subclass holds something under `_lock`."""

    def __init__(
        self,
        store: BoundedStore,
        name: str,
        *,
        failed: Callable[[], object] = nobody,
        wrote: Callable[[], object] = nobody,
        clock: Callable[[], float] = time.time,
    ):
        self._store = store
        self._name = name
        self._failed = failed
        self._wrote = wrote
        self._clock = clock
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._complaints: set[str] = set()  # those that the log has
        self._thread: threading.Thread | None = None
        self._tidied = 0.0

    @abstractmethod
    def _take(self) -> H:
        """What is held, which is held no more. Called under the lock."""

    @abstractmethod
    def _keep(self, held: H) -> None:
        """Hold again what could not be written, but not without a bound. Called under the lock."""

    def start(self, every_s: float = FLUSH_S) -> Self:
        """Write every so often, until `stop`."""

        def write() -> None:
            while not self._stopped.wait(every_s):
                self.flush()

        self._thread = threading.Thread(target=write, name=self._name, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Write what is held, and write no more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    @property
    def hour(self) -> int:
        """It is now; since 1970, UTC."""
        return int(self._clock() // 3600)

    def flush(self) -> None:
        """Write what is held. Where that cannot be, it is held on; it raises nothing."""
        with self._lock:
            held = self._take()
        try:
            if held:
                self._store.add(held)
        except StoreError as fault:
            with self._lock:
                self._keep(held)
            self.complain(str(fault))
            return
        try:
            self._tidy()
            self._wrote()
        except Exception as fault:  # noqa: BLE001 - e.g. the metrics' own files on a full disk; the thread goes on
            self.complain(str(fault) if isinstance(fault, StoreError) else f"{self._name}: {type(fault).__name__}")

    def complain(self, what: str) -> None:
        """Count a fault; the log has it once. what: quotes no file and no client."""
        with contextlib.suppress(Exception):  # where it counts may be what is full
            self._failed()
        if what not in self._complaints and len(self._complaints) < MOST_COMPLAINTS:
            self._complaints.add(what)
            logger.error("%s; answers go on, %s may miss some", what, self._name)

    def _tidy(self) -> None:
        now = self._clock()
        if self._tidied + TIDY_S <= now and self._store.path.exists():
            self._tidied = now
            self._store.tidy(int(now // 3600))
