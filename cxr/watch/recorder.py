"""Counts answers in a worker and writes them every few seconds, so that an answer waits for no disk.

Whatever happens here, an answer that was made is given: a fault is counted, and the log has it once.
"""

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping

import numpy as np

from cxr.inference.answer import Answer
from cxr.watch.codings import coding_and_device
from cxr.watch.statistics import STATISTICS, Value, values_of
from cxr.watch.store import Key, Store, StoreError

logger = logging.getLogger("bentoml.covid_cxr")

FLUSH_S = 5
TIDY_S = 3600
MOST_COMPLAINTS = 20  # different ones, in the log
MOST_HELD = 50_000  # counts that wait for a store that cannot be written; the oldest hours go first

Told = Callable[[str, str], object]  # a statistic and a bin, by their names


def _nobody(*_: object) -> None:
    return


class Recorder:
    """devices: names that may be counted by, as `cxr.watch.codings.plain` writes them. counted: told of each count.
    failed: told of each fault. wrote: told after each flush. clock: seconds since 1970."""

    def __init__(
        self,
        store: Store,
        devices: Collection[str] = (),
        *,
        counted: Told = _nobody,
        failed: Callable[[], object] = _nobody,
        wrote: Callable[[], object] = _nobody,
        clock: Callable[[], float] = time.time,
    ):
        self._store = store
        self._devices = frozenset(devices)
        self._counted = counted
        self._failed = failed
        self._wrote = wrote
        self._clock = clock
        self._held: Counter[Key] = Counter()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._complaints: set[str] = set()  # those that the log has
        self._thread: threading.Thread | None = None
        self._tidied = 0.0

    def start(self, every_s: float = FLUSH_S) -> "Recorder":
        """Write every so often, until `stop`."""

        def write() -> None:
            while not self._stopped.wait(every_s):
                self.flush()

        self._thread = threading.Thread(target=write, name="watch", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Write what is held, and write no more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def note(self, data: bytes, picture: np.ndarray, said: Answer) -> None:
        """Count one answer. data: the picture's file; picture: uint8[h, w]. It raises nothing."""
        try:
            coding, device = coding_and_device(data, self._devices)
            self.count(values_of(coding, picture, said), device or "")
        except Exception as fault:  # noqa: BLE001 - the answer is there; nothing in a file may keep it from its asker
            self._complain(f"an answer could not be counted: {type(fault).__name__}")  # its text may quote the file

    def count(self, values: Mapping[str, Value], device: str = "") -> None:
        """values: by statistic, as `cxr.watch.statistics.values_of` gives them. device: "" for none."""
        hour = int(self._clock() // 3600)
        keys = [
            Key(hour, device, number, statistic.bin_of(values[statistic.name]))
            for number, statistic in enumerate(STATISTICS)
            if statistic.name in values
        ]
        with self._lock:
            self._held.update(keys)
        for key in keys:
            statistic = STATISTICS[key.statistic]
            self._counted(statistic.name, statistic.label_of(key.bin))

    def flush(self) -> None:
        """Write what is held. Where that cannot be, it is held on; it raises nothing."""
        with self._lock:
            held, self._held = self._held, Counter()
        try:
            if held:
                self._store.add(held)
        except StoreError as fault:
            self._keep(held)
            self._complain(str(fault))
            return
        try:
            self._tidy()
            self._wrote()
        except Exception as fault:  # noqa: BLE001 - e.g. the metrics' own files on a full disk; the thread goes on
            self._complain(str(fault) if isinstance(fault, StoreError) else f"the watch: {type(fault).__name__}")

    def _tidy(self) -> None:
        now = self._clock()
        if self._tidied + TIDY_S <= now and self._store.path.exists():
            self._tidied = now
            self._store.tidy(int(now // 3600))

    def _keep(self, held: Counter[Key]) -> None:
        with self._lock:
            self._held.update(held)
            for key in sorted(self._held, key=lambda key: key.hour)[: max(0, len(self._held) - MOST_HELD)]:
                del self._held[key]

    def _complain(self, what: str) -> None:
        with contextlib.suppress(Exception):  # where it counts may be what is full
            self._failed()
        if what not in self._complaints and len(self._complaints) < MOST_COMPLAINTS:
            self._complaints.add(what)
            logger.error("%s; answers go on, the watch may miss some", what)
