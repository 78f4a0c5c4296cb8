"""What do a few more patients cost? A feature cache filled by the real trunk, then grown by a tenth."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import cost_of, run_question
from benchmarks.real_trunk import export
from cxr.augmentation.photometric import UNCHANGED
from cxr.augmentation.settings import AugmentationParams
from cxr.features.feature_cache import CacheSpec, FeatureCache
from cxr.features.row_store import pixel_keys
from cxr.inference.engine import Trunk, trunk_file

AUGMENTATION = AugmentationParams(rotation_degrees=20, shift_fraction=0.2, horizontal_flip=True, photometric=UNCHANGED)


def measure(images: int = 40, more: float = 0.1, views: int = 10, image_size: int = 299) -> dict[str, Any]:
    """Time of filling the cache, and of growing it.

    share: time of growing, divided by the time to fill the grown cache from nothing. views_per_s: augmented views a
    second while filling, with drawing them. The first pass over some images, which sets the scales, is left out: a
    real cache makes it once.
    """
    pixels = np.random.default_rng(3).integers(0, 256, (images, image_size, image_size), np.uint8)
    grown = np.concatenate([pixels, 255 - pixels[: max(1, round(images * more))]])
    with tempfile.TemporaryDirectory() as name:
        precision, _ = export(Path(name) / "trunk", image_size)
        trunk = Trunk(trunk_file(Path(name) / "trunk", precision), precision)
        spec = CacheSpec("inceptionv3", "bench", image_size, precision, views, 20, AUGMENTATION)
        cache = FeatureCache(Path(name) / "cache", spec, trunk.shape)
        _fill(cache, pixels[:1], trunk)  # kernels and scales
        first = cost_of(lambda: _fill(cache, pixels, trunk))
        added = cost_of(lambda: _fill(cache, grown, trunk))
    per_image = first.wall_s / (images - 1)
    return {
        "size": {"images": images, "more": len(grown) - images, "views": views, "image_size": image_size},
        "precision": precision,
        "fill_s": first.wall_s,
        "grow_s": added.wall_s,
        "share": added.wall_s / (per_image * len(grown)),
        "views_per_s": views / per_image,
        "cpu_ms_per_view": 1000 * first.cpu_s / (images - 1) / views,
    }


def _fill(cache: FeatureCache, pixels: np.ndarray, trunk: Trunk) -> None:
    cache.fill(pixel_keys(pixels.__getitem__, len(pixels)), pixels.__getitem__, trunk)


if __name__ == "__main__":
    run_question(measure)
