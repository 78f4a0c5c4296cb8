"""Gives each answer of a worker its id, and keeps what an outcome has to be counted with."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

from cxr.common.periodic_writer import PeriodicWriter, nobody
from cxr.inference.answer import Answer
from cxr.inference.site_profile import SiteProfile
from cxr.outcomes.records import Given, Outcome, Setup, given_of, model_of, new_id, setup_of, text_of_id
from cxr.outcomes.store import OutcomeStore, Receipt

MOST_HELD = 20_000  # answers that wait for a store that cannot be written; the oldest go first


class OutcomeRecorder(PeriodicWriter[dict[bytes, Given]]):
    """site: under whose profile all answers are given, None for none. The rest: as PeriodicWriter has it."""

    def __init__(
        self,
        store: OutcomeStore,
        site: SiteProfile | None = None,
        *,
        failed: Callable[[], object] = nobody,
        wrote: Callable[[], object] = nobody,
        clock: Callable[[], float] = time.time,
    ):
        super().__init__(store, "the store of outcomes", failed=failed, wrote=wrote, clock=clock)
        self._outcomes = store
        self._at = setup_of("", "", site)  # once: its digest takes longer than an answer's row
        self._held: dict[bytes, Given] = {}

    def setup(self, name: str, version: str) -> Setup:
        """Of a model's answers here."""
        return replace(self._at, model=model_of(name, version))

    def note(self, said: Answer, name: str, version: str) -> str:
        """The id of the new answer of a model."""
        number = new_id()
        given = given_of(said, self.setup(name, version), self.hour)
        with self._lock:
            self._held[number] = given
        return text_of_id(number)

    def take(self, number: bytes, outcome: Outcome) -> Receipt:
        """What became of an outcome. It is slow: it waits for the disk. Raises StoreError."""
        with self._lock:
            waits = number in self._held
        if waits:
            self.flush()
        return self._outcomes.take([(number, outcome)], self.hour)[0]

    def _take(self) -> dict[bytes, Given]:
        held, self._held = self._held, {}
        return held

    def _keep(self, held: dict[bytes, Given]) -> None:
        both = held | self._held  # in the order in which they came
        self._held = dict(islice(both.items(), max(0, len(both) - MOST_HELD), None))
