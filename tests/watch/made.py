"""Answers as the watch counts them, drawn instead of given."""

from pathlib import Path

import numpy as np

from cxr.watch.recorder import Recorder
from cxr.watch.statistics import Value
from cxr.watch.store import Store

HOUR_S = 3600


def drawn_values(
    rng: np.random.Generator, *, grey: float = 120, coding: str = "DICOM uncompressed"
) -> dict[str, Value]:
    """One answer of a site whose pictures have this mean grey and coding."""
    probability = float(rng.beta(1, 5))
    return {
        "probability": probability,
        "familiarity": float(rng.random()),
        "brightness": float(rng.normal(grey, 20)),
        "width": 2000,
        "height": 2400,
        "aspect": 2000 / 2400,
        "coding": coding,
        "gate": "passed",
    }


class Clock:
    """Seconds since 1970, as a test sets them."""

    def __init__(self, hour: int):
        self.now = hour * HOUR_S

    def __call__(self) -> float:
        return float(self.now)


class Site:
    """A store, and a worker that counts into it at hours of the test's choice."""

    def __init__(self, folder: Path, hour: int = 480_000):
        self.store = Store(folder / "watch.db")
        self.clock = Clock(hour)
        self.rng = np.random.default_rng(3)
        self.recorder = Recorder(self.store, clock=self.clock)

    def answers(self, count: int, an_hour: int = 20, **kind: object) -> None:
        """`count` answers, `an_hour` of them an hour, written."""
        for number in range(count):
            if number % an_hour == 0:
                self.clock.now += HOUR_S
            self.recorder.count(drawn_values(self.rng, **kind))  # type: ignore[arg-type]
        self.recorder.flush()
