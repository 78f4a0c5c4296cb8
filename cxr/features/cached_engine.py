"""An engine that remembers on disk what its trunk said of a picture, so that no stage asks about one twice.

Heads are calibrated, tested, audited and compared on the trunk's float32 answers about the pictures as they are. These
take most of such a stage's time, and depend on the picture and the trunk alone: another head, more patients, or the
champion of last week, which has the same trunk, need only those of new pictures.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cxr.features.row_store import RowStore, pixel_keys
from cxr.inference.engine import Engine, batches_of

FORMAT = 1  # raise it when the meaning of what is remembered changes


def cached_engine(engine: Engine, root: Path) -> Engine:
    """`engine` with a memory below `root`; without one where its trunk is fine-tuned, which no other model will have.

    engine: in float32; raises ValueError where it is not, since what others answer depends on the machine.
    """
    if engine.precision != "f32":
        raise ValueError(f"the engine runs in {engine.precision}; only float32's answers are remembered")
    return engine if engine.facts.fine_tuned_blocks else _CachedEngine(engine, root)


class _CachedEngine(Engine):
    """The folder is named after all that its rows depend on but the picture. It can be deleted at any time. Another
    process must not write to it at the same time."""

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
        rows, stored = self._rows.rows(keys), self._rows.stored()
        yield from (stored[batch] for batch in batches_of(rows))

    def _ask(self, keys: list[str], pixels: np.ndarray, missing: np.ndarray, progress: Callable[[int], object]) -> None:
        """Ask the trunk about the pictures at `missing`. A kill loses the batches that it was working on."""
        self._rows.add([keys[i] for i in missing])
        batches = list(batches_of(missing))
        for batch, maps in zip(batches, self.trunk.stream(pixels[batch] for batch in batches), strict=True):
            self._rows.write([keys[i] for i in batch], self.head.seen(maps))
            progress(len(batch))
