"""The model that answers: loaded and warmed up before it is used, replaced only by one that loads."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cxr.engine import Engine

logger = logging.getLogger("bentoml.covid_cxr")


class Champion:
    """find: from a tag to the folder of the bundle that it means now. Loading raises ModelError."""

    def __init__(self, find: Callable[[], Path]):
        self._find = find
        self.engine = self._load()

    def reload(self) -> None:
        """Take the model that the tag means now; where that raises ModelError, the old one goes on answering."""
        self.engine = self._load()

    @property
    def facts(self) -> dict[str, Any]:
        return self.engine.facts

    @property
    def identity(self) -> dict[str, str]:
        """What an answer says about the model that gave it."""
        return {key: str(self.facts[key]) for key in ("name", "version", "backbone")}

    def _load(self) -> Engine:
        engine = Engine.load(self._find(), latency=True)
        engine.predict(np.zeros((1, engine.side, engine.side), np.uint8))  # the first prediction is a slow one
        logger.info("model %s %s is ready", engine.facts["name"], engine.facts["version"])
        return engine
