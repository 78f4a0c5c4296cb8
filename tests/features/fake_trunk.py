"""A trunk that computes in numpy, pictures to show it, and caches filled with both."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from cxr.augmentation.geometric import augmentation_rng, augmented_view
from cxr.augmentation.photometric import UNCHANGED
from cxr.augmentation.settings import AugmentationParams
from cxr.features.feature_cache import CacheSpec, FeatureCache
from cxr.features.row_store import pixel_keys

AUGMENTATION = AugmentationParams(rotation_degrees=20, shift_fraction=0.2, horizontal_flip=True, photometric=UNCHANGED)
SPEC = CacheSpec(
    "fake", "random-1", image_size=16, precision="f32", augmented_views=3, seed=5, augmentation=AUGMENTATION
)
SHAPE = (2, 2, 3)


class FakeTrunk:
    """Mean, maximum and spread of each quarter of a picture; remembers what it was shown."""

    shape = SHAPE

    def __init__(self, dies_at: int = sys.maxsize, kill: bool = False):
        self.seen: list[bytes] = []
        self._dies_at, self._kill = dies_at, kill

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for batch in batches:
            self.seen.append(batch.tobytes())
            if len(self.seen) >= self._dies_at:
                if self._kill:
                    os.kill(os.getpid(), 9)
                raise KeyboardInterrupt
            yield self.maps(batch)

    def maps(self, batch: np.ndarray) -> np.ndarray:
        count, image_size, _ = batch.shape
        quarters = batch.reshape(count, 2, image_size // 2, 2, image_size // 2).swapaxes(2, 3).astype(np.float32)
        inside = (3, 4)
        return np.stack([quarters.mean(inside), quarters.max(inside) * 50, quarters.std(inside) / 100], axis=-1)


class Pictures:
    """Pictures as a cache wants them: a function of the position, and their keys."""

    def __init__(self, stored: np.ndarray):
        self.stored = stored
        self.keys = pixel_keys(self, len(stored))

    def __call__(self, i: int) -> np.ndarray:
        return self.stored[i]


def features(cache: FeatureCache, keys: list[str]) -> np.ndarray:
    """What the cache says, float32[n, views, h * w * c]."""
    return cache.features()[cache.rows(keys)] * cache.scales()


def exact(shown: Pictures, spec: CacheSpec = SPEC) -> np.ndarray:
    """What the trunk says of the same views, without a cache in between."""
    maps = []
    for i, key in enumerate(shown.keys):
        draws = [augmentation_rng(spec.seed, key, k) for k in range(spec.augmented_views)]
        maps.append(FakeTrunk().maps(np.stack([augmented_view(shown(i), spec.augmentation, rng) for rng in draws])))
    return np.stack(maps).reshape(len(maps), spec.augmented_views, -1)


def filled(root: Path, shown: Pictures, spec: CacheSpec = SPEC) -> FeatureCache:
    cache = FeatureCache(root, spec, SHAPE)
    cache.fill(shown.keys, shown, FakeTrunk())
    return cache
