"""An engine that keeps its trunk's features on disk, so that no stage computes those of a picture twice.

Heads are calibrated, tested, audited and compared on the trunk's float32 features of the plain pictures. To compute
them takes most of such a stage's time, and they depend on the picture and the trunk alone. Another head, more patients,
or the champion of last week with the same trunk need only the features of new pictures.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cxr.features.row_store import RowStore, pixel_keys
from cxr.inference.engine import Engine, batches_of

FORMAT = 1  # raise it when the meaning of the stored rows changes


def cached_engine(engine: Engine, root: Path) -> Engine:
    """`engine` with a store below `root`. A fine-tuned trunk gets no store: no other model has the same trunk.

    engine: in float32; raises ValueError where it is not, since other precisions depend on the machine.
    """
    if engine.precision != "f32":
        raise ValueError(f"the engine runs in {engine.precision}; only float32's features are kept")
    return engine if engine.facts.fine_tuned_blocks else _CachedEngine(engine, root)


class _CachedEngine(Engine):
    """The folder's name is a hash of the trunk and of the head's kind. It can be deleted at any time. Another process
    must not write to it at the same time."""

    def __init__(self, engine: Engine, root: Path):
        super().__init__(engine.trunk, engine.head, engine.facts, engine.precision)
        facts = {
            "trunk": self.trunk.identity(),
            "openvino": version("openvino"),
            "head": self.head.kind,
            "format": FORMAT,
        }
        name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
        self._rows = RowStore(
            root / f"remembered-{name}",
            facts,
            self.head.seen_shape(),
            np.float32,
            kind="memory",
            facts_file="memory.json",
            values_file="seen.f32",
        )

    def seen(self, pixels: np.ndarray, progress: Callable[[int], object] = lambda n: None) -> Iterator[np.ndarray]:
        self.trunk.check(pixels)
        if not len(pixels):
            return
        keys = pixel_keys(pixels.__getitem__, len(pixels))
        missing = np.array(self._rows.missing(keys), np.int64)
        progress(len(keys) - len(missing))
        if len(missing):
            self._ask(keys, pixels, missing, progress)
        rows = self._rows.rows(keys)
        stored = self._rows.stored()
        yield from (stored[batch] for batch in batches_of(rows))

    def _ask(self, keys: list[str], pixels: np.ndarray, missing: np.ndarray, progress: Callable[[int], object]) -> None:
        """Compute the rows of the pictures at `missing`. A killed process loses the batches that it was working on."""
        self._rows.add([keys[i] for i in missing])
        batches = list(batches_of(missing))
        for batch, maps in zip(batches, self.trunk.stream(pixels[batch] for batch in batches), strict=True):
            self._rows.write([keys[i] for i in batch], self.head.seen(maps))
            progress(len(batch))
