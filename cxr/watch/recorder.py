"""Counts answers in a worker, for the watch's store."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping

import numpy as np

from cxr.common.periodic_writer import PeriodicWriter, nobody
from cxr.inference.answer import Answer
from cxr.watch.codings import coding_and_device
from cxr.watch.statistics import STATISTICS, Value, values_of
from cxr.watch.store import Key, Store

MOST_HELD = 50_000  # counts that wait for a store that cannot be written; the oldest hours go first

Told = Callable[[str, str], object]  # a statistic and a bin, by their names


class Recorder(PeriodicWriter[Counter[Key]]):
    """devices: names that may be counted by, as `cxr.watch.codings.plain` writes them. counted: told of each count.
    failed, wrote, clock: as PeriodicWriter has them."""

    def __init__(
        self,
        store: Store,
        devices: Collection[str] = (),
        *,
        counted: Told = nobody,
        failed: Callable[[], object] = nobody,
        wrote: Callable[[], object] = nobody,
        clock: Callable[[], float] = time.time,
    ):
        super().__init__(store, "the watch", failed=failed, wrote=wrote, clock=clock)
        self._devices = frozenset(devices)
        self._counted = counted
        self._held: Counter[Key] = Counter()

    def note(self, data: bytes, picture: np.ndarray, said: Answer) -> None:
        """Count one answer. data: the picture's file; picture: uint8[h, w]. It raises nothing."""
        try:
            coding, device = coding_and_device(data, self._devices)
            self.count(values_of(coding, picture, said), device or "")
        except Exception as fault:  # noqa: BLE001 - the answer is there; nothing in a file may keep it from its asker
            self.complain(f"an answer could not be counted: {type(fault).__name__}")  # its text may quote the file

    def count(self, values: Mapping[str, Value], device: str = "") -> None:
        """values: by statistic, as `cxr.watch.statistics.values_of` gives them. device: "" for none."""
        hour = self.hour
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

    def _take(self) -> Counter[Key]:
        held, self._held = self._held, Counter()
        return held

    def _keep(self, held: Counter[Key]) -> None:
        self._held.update(held)
        for key in sorted(self._held, key=lambda key: key.hour)[: max(0, len(self._held) - MOST_HELD)]:
            del self._held[key]
