"""How long does the head train? Both heads on a feature cache of InceptionV3's size with random bytes."""

import itertools
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import run_question
from cxr.training.head_training import TrainingExamples, train_head
from cxr.training.settings import TrainParams

SHAPE = (8, 8, 2048)
VALIDATION_SHARE = 0.2
_SCALE = 0.01  # features per stored byte, about a real cache's


def measure(
    images: int = 2000, views: int = 10, epochs: int = 500, shape: tuple[int, int, int] = SHAPE
) -> dict[str, Any]:
    """seconds: from the opened cache to the trained head, with compiling the kernels, which are then kept on disk."""
    with tempfile.TemporaryDirectory() as name:
        train = synthetic(Path(name) / "train.u8", images, views, tuple(shape))
        validation = synthetic(Path(name) / "validation.u8", max(4, round(images * VALIDATION_SHARE)), 1, tuple(shape))
        heads = {head: _train(head, train, validation, tuple(shape), epochs) for head in ("flatten", "average")}
    size = {"images": images, "views": views, "epochs": epochs, "cache_mib": train.features.nbytes / 2**20}
    return {"size": size, **heads}


def synthetic(path: Path, images: int, views: int, shape: tuple[int, ...]) -> TrainingExamples:
    """A cache on disk. Half of the images are COVID and a little brighter, so that the head can learn something."""
    rng = np.random.default_rng(images)
    depth = int(np.prod(shape))
    stored = np.memmap(path, np.uint8, "w+", shape=(images, views, depth))
    y = np.arange(images, dtype=np.float32) % 2
    # A ReLU's output after pooling: mostly small. One block of bytes, read from another place for each image.
    block = np.minimum(rng.exponential(40, 3 * views * depth), 240).astype(np.uint8)
    for i in range(images):
        start = int(rng.integers(2 * views * depth))
        stored[i] = block[start : start + views * depth].reshape(views, depth) + np.uint8(8 * y[i])
    stored.flush()
    scales = np.full(depth, _SCALE, np.float32)
    read = np.memmap(path, np.uint8, "r", shape=stored.shape)
    one_source = np.zeros(images, np.int64)
    return TrainingExamples(read, np.arange(images), y, np.ones_like(y), one_source, scales)


def _train(
    head: Any, train: TrainingExamples, validation: TrainingExamples, shape: tuple[int, int, int], epochs: int
) -> dict[str, Any]:
    params = TrainParams(head, 0.5, 0.003, 0.0, 32, epochs, "label", 0.0, 20, 0.9, 0, 1, 1e-5, ("inceptionv3",))
    ends = [time.perf_counter()]
    train_head(train, validation, shape, params, lambda epoch: ends.append(time.perf_counter()))
    took = [after - before for before, after in itertools.pairwise(ends)]
    rows = len(train.rows) + len(validation.rows)
    epoch_s = statistics.median(took)
    depth = train.features.shape[2] if head == "flatten" else 2 * shape[2]  # pooled sums have two bytes
    return {
        "seconds": ends[-1] - ends[0],
        "first_epoch_s": took[0],
        "median_epoch_s": epoch_s,
        "rows_per_s": rows / epoch_s,
        "read_gb_per_s": rows * depth / epoch_s / 1e9,
    }


if __name__ == "__main__":
    run_question(measure)
