"""An engine that remembers on disk what its trunk said of a picture, so that no stage asks about one twice.

Heads are calibrated, tested, audited and compared on the trunk's float32 answers about the pictures as they are. These
take most of such a stage's time, and depend on the picture and the trunk alone: another head, more patients, or the
champion of last week, which has the same trunk, need only those of new pictures.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from cxr.engine import Engine, batches_of
from cxr.keyed_rows import KeyedRows, pixel_keys


class RememberingEngine(Engine):
    """Answers as `engine` does, from a folder below `root` where it can, and leaves there what it could not.

    The folder is named after the trunk's files, its precision, and what of a map its kind of head sees. It can be
    deleted at any time. Another process must not write to it at the same time.
    """

    def __init__(self, engine: Engine, root: Path):
        super().__init__(engine.trunk, engine.head, engine.facts, engine.precision)
        shape = self.head.seen_shape()
        facts = {"trunk": self.trunk.identity(), "precision": self.precision, "shape": list(shape)}
        name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
        self._rows = KeyedRows(
            root / f"exact-{name}",
            facts,
            shape,
            np.float32,
            kind="memory",
            description="memory.json",
            values="maps.f32",
        )

    def seen(self, pixels: np.ndarray, progress: Callable[[int], object] = lambda n: None) -> Iterator[np.ndarray]:
        self.trunk.check(pixels)
        if not len(pixels):
            return
        keys = pixel_keys(pixels.__getitem__, len(pixels))
        missing = self._rows.missing(keys)
        progress(len(keys) - len(missing))
        if missing:
            self._ask([keys[i] for i in missing], pixels[missing], progress)
        rows, stored = self._rows.rows(keys), self._rows.stored()
        yield from (stored[batch] for batch in batches_of(rows))

    def _ask(self, keys: list[str], pixels: np.ndarray, progress: Callable[[int], object]) -> None:
        """Ask the trunk about pictures that are all new. A kill loses the batches that it was working on."""
        self._rows.add(keys)
        at = 0
        for seen in super().seen(pixels, progress):
            self._rows.write(keys[at : at + len(seen)], seen)
            at += len(seen)
