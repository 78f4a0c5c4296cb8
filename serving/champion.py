"""The model that answers: loaded and warmed up before it is used, replaced only by one that loads."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cxr.common.errors import CxrError
from cxr.inference.model_facts import ModelFacts
from cxr.inference.precision import Chosen
from cxr.inference.predictor import Predictor

logger = logging.getLogger("bentoml.covid_cxr")


class Champion:
    """find: the folder of the bundle that is meant now; raises CxrError where there is none, as a bad bundle does.
    threads, precision: as cxr.inference.engine.Engine takes them."""

    def __init__(self, find: Callable[[], Path], threads: int | None = None, precision: Chosen = "auto"):
        self._find = find
        self._threads = threads
        self._precision = precision
        self._stopped = threading.Event()
        self._path = find()
        self.model = self._load(self._path)

    @property
    def facts(self) -> ModelFacts:
        return self.model.facts

    @property
    def identity(self) -> dict[str, str]:
        """What an answer says about the model that gave it."""
        return identity_of(self.model)

    def follow(self, every_s: float, changed: Callable[[], object]) -> None:
        """Look for another model every so often, until `stop`, and call `changed` after a swap.

        A thread, because loading takes seconds of work that must not hold up the answers."""

        def look_again() -> None:
            while not self._stopped.wait(every_s):
                if self.refresh():
                    changed()

        threading.Thread(target=look_again, name="follow-model", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def refresh(self) -> bool:
        """Take the model that is meant now; False where that is the old one, or the new one cannot be read."""
        try:
            path = self._find()
            if path == self._path:
                return False
            self._path = path  # also where it is unreadable, so that the log says so once
            self.model = self._load(path)
        except CxrError as fault:
            logger.error("%s; model %s goes on answering", fault, self.facts.version)
            return False
        return True

    def _load(self, path: Path) -> Predictor:
        model = Predictor.load(path, precision=self._precision, latency=True, threads=self._threads)
        engine = model.engine
        facts = model.facts
        engine.predict(
            np.zeros((1, engine.image_size, engine.image_size), np.uint8)
        )  # the first prediction is a slow one
        logger.info("model %s %s is ready in %s", facts.name, facts.version, engine.precision)
        return model


def identity_of(model: Predictor) -> dict[str, str]:
    return {"name": model.facts.name, "version": model.facts.version, "backbone": model.facts.backbone}


def public_facts(value: Any) -> Any:
    """The facts without what only means something on the machine that made them: absolute paths."""
    if isinstance(value, dict):
        return {key: public_facts(inner) for key, inner in value.items() if not _is_local(inner)}
    if isinstance(value, list):
        return [public_facts(inner) for inner in value if not _is_local(inner)]
    return value


def _is_local(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("/", "file:", "~", "sqlite:"))
