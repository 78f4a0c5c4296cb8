"""What does an image cost among thousands, and how much memory do they take?

Each size runs in a process of its own, so that its memory can be measured. The trunk is replaced by one that costs
almost nothing and gives 2,048 channels: the question is whether the work around the trunk grows faster than the images
do. The pooled head is trained, because it holds its inputs in memory; the flatten head reads the cache from the disk.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import Cost, cost_of, rounded, run_question, watched_memory
from benchmarks.pictures import downloads, save_phantoms
from benchmarks.raw_files import Files
from cxr.data.pixel_store import read_pixels
from cxr.features.feature_cache import NO_AUGMENTATION, CacheSpec, FeatureCache
from cxr.features.row_store import pixel_keys
from cxr.training.head_training import TrainingExamples, train_head
from cxr.training.settings import TrainParams

ROOT = Path(__file__).resolve().parents[1]
CHANNELS = 2048
SIZES = (1000, 3000, 10_000)


class CheapTrunk:
    """64 block means of a picture, repeated to 2,048 channels: float32[n, 1, 1, 2048]."""

    shape = (1, 1, CHANNELS)

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for batch in batches:
            cell = batch.shape[1] // 8
            blocks = batch[:, : 8 * cell, : 8 * cell].reshape(len(batch), 8, cell, 8, cell).mean((2, 4), np.float32)
            yield np.tile(blocks.reshape(len(batch), 64), CHANNELS // 64).reshape(-1, *self.shape)


def measure(
    sizes: list[int] | None = None, file_size: int = 448, image_size: int = 299, views: int = 10, epochs: int = 20
) -> dict[str, Any]:
    """A row for each size: milliseconds per image by step (cpu: processor time), MiB at the peak by part."""
    wanted = sorted(sizes or SIZES)
    with tempfile.TemporaryDirectory() as name:
        drawn = 0
        rows = []
        for images in wanted:
            save_phantoms(Path(name) / "raw", range(drawn, images), file_size)
            drawn = images
            rows.append(_in_own_process(name, images, image_size, views, epochs))
    return {"size": {"file_size": file_size, "image_size": image_size, "views": views, "epochs": epochs}, "rows": rows}


def _in_own_process(folder: str, images: int, image_size: int, views: int, epochs: int) -> dict[str, Any]:
    task = json.dumps([folder, images, image_size, views, epochs])
    command = [sys.executable, "-m", "benchmarks.scale", "--one", task]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)  # noqa: S603 - our own module
    return json.loads(done.stdout)


def one_size(folder: Path, images: int, image_size: int, views: int, epochs: int) -> dict[str, Any]:
    costs: dict[str, Cost] = {}
    files = Files(downloads(), folder / "raw", image_size, folder / "pixels.npy")
    with watched_memory() as reading:
        for name, step in files.steps.items():
            costs[name] = cost_of(step)
    with tempfile.TemporaryDirectory(dir=folder) as caches, watched_memory() as training:
        _train(Path(caches), folder / "pixels.npy", views, epochs, costs)
    (folder / "pixels.npy").unlink()
    return {
        "images": len(files.rows),
        "ms_per_image": {name: 1000 * cost.wall_s / images for name, cost in costs.items()},
        "cpu_ms_per_image": {name: 1000 * cost.cpu_s / images for name, cost in costs.items()},
        "peak_mib": {"index, split, pixels": reading.own_mib, "cache and head": training.own_mib},
        "peak_with_mapped_files_mib": {
            "index, split, pixels": reading.resident_mib,
            "cache and head": training.resident_mib,
        },
    }


def _train(caches: Path, store: Path, views: int, epochs: int, costs: dict[str, Cost]) -> None:
    """Fill a cache of `views` views, each the picture itself at a quarter of its size, and train a head on it.

    Real augmentation is left out: it costs the same for every image, and would hide what grows.
    """
    pixels = read_pixels(store)[:, ::4, ::4]
    image_size = pixels.shape[1]
    keys = pixel_keys(pixels.__getitem__, len(pixels))
    trunk: Any = CheapTrunk()
    cache = FeatureCache(caches, CacheSpec("cheap", "none", image_size, "f32", views, 0, NO_AUGMENTATION), trunk.shape)
    costs["cache"] = cost_of(lambda: cache.fill(keys, pixels.__getitem__, trunk))
    y = np.arange(len(keys), dtype=np.float32) % 2
    one_source = np.zeros(len(y), np.int64)
    train = TrainingExamples(cache.features(), cache.rows(keys), y, np.ones_like(y), one_source, cache.scales())
    validation = TrainingExamples(
        train.features, train.rows[:64], y[:64], train.cost[:64], one_source[:64], train.scales
    )
    params = TrainParams("average", 0.5, 0.003, 0.0, 32, epochs, "label", 0.0, 20, 0.9, 0, 1, 1e-5, ("inceptionv3",))
    costs["head"] = cost_of(lambda: train_head(train, validation, trunk.shape, params))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        given_folder, *given = json.loads(sys.argv[2])
        print(json.dumps(rounded(one_size(Path(given_folder), *given))))
    else:
        run_question(measure)
