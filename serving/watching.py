"""The watch in a worker: what answers are about is counted in the file of CXR_WATCH and in /metrics (docs/watch.md)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cxr.inference.answer import Answer
from cxr.watch.look import alarms_of
from cxr.watch.recorder import Recorder
from cxr.watch.statistics import STATISTICS
from cxr.watch.store import Store
from serving.metrics import Metrics
from serving.settings import Settings, SettingsError

Watch = Callable[[bytes, np.ndarray, Answer], object]  # a picture's file, the decoded picture, what was said


def unwatched(_data: bytes, _picture: np.ndarray, _said: Answer) -> None:
    """Counts nothing."""


def open_recorder(settings: Settings, metrics: Metrics) -> Recorder | None:
    """The counter of this worker, not started; None where CXR_WATCH is unset. Raises SettingsError where its folder is
    not there: later faults are counted, this one a person can mend now."""
    if not settings.watch:
        return None
    store = Store(Path(settings.watch))
    if not store.path.parent.is_dir():
        raise SettingsError(f"CXR_WATCH is {settings.watch!r}; it takes a file in a folder that is there")
    return Recorder(
        store,
        settings.watch_devices,
        counted=lambda statistic, label: metrics.watch.counted.labels(statistic, label).inc(),
        failed=metrics.watch.failures.inc,
        wrote=lambda: show_alarms(store, metrics),
    )


def show_alarms(store: Store, metrics: Metrics) -> None:
    """Tell Prometheus what the last `cxr watch` found. Raises StoreError."""
    if not store.path.exists():
        return
    looked_at, moved = alarms_of(store)
    metrics.watch.looked_at.set(looked_at)
    for statistic in STATISTICS:
        metrics.watch.alarm.labels(statistic.name).set(statistic.name in moved)
