"""The feature cache: a frozen trunk's features of K augmented views of each image, computed once.

The trunk is frozen, so its features for a given picture and augmentation never changes. Row i, view k of the cache
is always the same picture, whichever images stand beside it; adding images computes only their rows.

A cache is a folder of keyed rows (cxr/features/row_store.py), named after everything that its numbers depend on:

    cache.json     that identity in plain words, and the shape
    scales.npy     float32[c]: a stored byte q of channel c stands for q * scales[c]. Where features can be
                   negative it is float32[2, c], scales and offsets: q stands for q * scales[c] + offsets[c]
    features.u8    uint8[rows, views, h, w, c]

It is kept beside DVC's outputs, not among them: DVC would hash and copy gigabytes that any machine can make
again, and would throw all rows away to add one. What DVC tracks is the trunk and the list of rows.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from cxr.augmentation.geometric import augmentation_rng, augmented_view
from cxr.augmentation.photometric import UNCHANGED
from cxr.augmentation.settings import AugmentationParams
from cxr.common.errors import CxrError
from cxr.features.row_store import Picture, RowStore
from cxr.inference.engine import Trunk

NO_AUGMENTATION = AugmentationParams(rotation_degrees=0, shift_fraction=0, horizontal_flip=False, photometric=UNCHANGED)
FORMAT = 1  # raise it when the meaning of a cache's bytes changes; old caches are then left alone
_CHUNK = 16  # images between two marks in done.u8: what a kill may cost
_SCALE_IMAGES = 32  # images whose views set the channels' scales
_HEADROOM = 1.25  # later images may exceed those channels' ranges; beyond this they are clipped


@dataclass(frozen=True)
class CacheSpec:
    """Everything that a cache's numbers depend on. weights: an identity of the trunk's weights, not a path. cut: the
    layers after which the trunk ends, "" for the whole one. lungs: an identity of the segmenter that its map is
    weighted by, "" where it looks at the whole picture."""

    backbone: str
    weights: str
    image_size: int
    precision: str
    augmented_views: int
    seed: int
    augmentation: AugmentationParams
    cut: str = ""
    lungs: str = ""
    format: int = FORMAT

    def name(self) -> str:
        text = json.dumps(asdict(self), sort_keys=True)
        return f"{self.backbone}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


_Coding = tuple[np.ndarray, np.ndarray | None]  # scales and offsets, float32[c] each


class FeatureCache:
    """A cache on disk. Opening one that another process fills at the same time is not supported."""

    def __init__(self, root: Path, spec: CacheSpec, shape: tuple[int, int, int]):
        self.spec = spec
        self.shape = shape
        self.directory = root / spec.name()
        facts = {"spec": asdict(spec), "shape": list(shape)}
        row = (spec.augmented_views, *shape)
        self._rows = RowStore(
            self.directory, facts, row, np.uint8, kind="cache", facts_file="cache.json", values_file="features.u8"
        )
        if self._rows.any_done():
            self._read_coding()  # without it no byte means anything

    def fill(
        self, keys: Sequence[str], picture: Picture, trunk: Trunk, progress: Callable[[int], object] = lambda n: None
    ) -> int:
        """Compute the rows that are not there yet; returns how many images that were.

        keys: of `cxr.features.row_store.pixel_keys(picture, n)`. progress: called with images done.
        """
        missing = self._rows.missing(keys)
        if not missing:
            return 0
        self._rows.add([keys[i] for i in missing])
        scales, offsets = self._coding(keys, picture, missing, trunk)
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            maps = self._compute(keys, picture, chunk, trunk)
            if offsets is not None:
                maps -= offsets
            self._rows.write([keys[i] for i in chunk], (np.clip(np.rint(each / scales), 0, 255) for each in maps))
            progress(len(chunk))
        return len(missing)

    def rows(self, keys: Sequence[str]) -> np.ndarray:
        """Row numbers int64[n] of the keyed images. Raises CxrError where one is not in the cache."""
        absent = self._rows.missing(keys)
        if absent:
            raise CxrError(
                f"{len(absent)} of {len(keys)} images are not in the cache {self.directory}; "
                "run `dvc repro --force --single-item` on the features stage to compute them"
            )
        return self._rows.rows(keys)

    def features(self) -> np.ndarray:
        """Memory-mapped uint8[rows, views, h * w * c], read-only."""
        stored = self._rows.stored()
        return stored.reshape(len(stored), self.spec.augmented_views, -1)

    def scales(self) -> np.ndarray:
        """float32[h * w * c]: multiply a stored byte by it to get the feature, before its offset is added."""
        return self._at_every_location(self._read_coding()[0])

    def offsets(self) -> np.ndarray | None:
        """float32[h * w * c], what a stored 0 stands for; None where that is 0."""
        offsets = self._read_coding()[1]
        return None if offsets is None else self._at_every_location(offsets)

    def _at_every_location(self, of_channels: np.ndarray) -> np.ndarray:
        height, width, _ = self.shape
        return np.tile(of_channels, height * width)

    def missing(self, keys: Sequence[str]) -> int:
        """How many different keyed images `fill` would compute."""
        return len(self._rows.missing(keys))

    def _compute(self, keys: Sequence[str], picture: Picture, which: Sequence[int], trunk: Trunk) -> np.ndarray:
        """float32[len(which), views, h, w, c] of the images at positions `which`."""
        maps = np.empty((len(which), self.spec.augmented_views, *self.shape), np.float32)
        for number, batch in enumerate(trunk.stream(self._views_of(keys[i], picture(i)) for i in which)):
            maps[number] = batch
        return maps

    def _views_of(self, key: str, picture: np.ndarray) -> np.ndarray:
        draws = (augmentation_rng(self.spec.seed, key, k) for k in range(self.spec.augmented_views))
        return np.stack([augmented_view(picture, self.spec.augmentation, rng) for rng in draws])

    def _coding(self, keys: Sequence[str], picture: Picture, which: Sequence[int], trunk: Trunk) -> _Coding:
        """Set once by the first images: a cache's bytes must keep their meaning when it grows."""
        path = self.directory / "scales.npy"
        if not path.exists():
            some = which[:: -(-len(which) // _SCALE_IMAGES)]
            partial = path.with_suffix(".partial.npy")
            np.save(partial, _as_stored(*self._channel_ranges(keys, picture, some, trunk)))
            partial.replace(path)
        return self._read_coding()

    def _read_coding(self) -> _Coding:
        path = self.directory / "scales.npy"
        try:
            stored = np.load(path)
        except (EOFError, ValueError, FileNotFoundError) as fault:
            raise self._rows.damaged(f"scales.npy cannot be read ({fault})") from None
        return (stored, None) if stored.ndim == 1 else (stored[0], stored[1])

    def _channel_ranges(
        self, keys: Sequence[str], picture: Picture, which: Sequence[int], trunk: Trunk
    ) -> tuple[np.ndarray, np.ndarray]:
        """float32[c] each: the least value of every channel, and the largest one or 0."""
        low = np.full(self.shape[2], np.inf, np.float32)
        top = np.zeros(self.shape[2], np.float32)
        for maps in trunk.stream(self._views_of(keys[i], picture(i)) for i in which):
            np.minimum(low, maps.min(axis=(0, 1, 2)), out=low)
            np.maximum(top, maps.max(axis=(0, 1, 2)), out=top)
        return low, top


def _as_stored(low: np.ndarray, top: np.ndarray) -> np.ndarray:
    """What scales.npy holds. low, top: float32[c], the least and the largest value seen. Where none is negative, as
    after a ReLU, a byte of 0 stands for 0."""
    signed = low.min() < 0
    extent = top - low if signed else top
    extent[extent <= 0] = max(float(extent.max()), 1.0)  # a channel silent so far gets the loudest one's range
    scales = (extent * _HEADROOM / 255).astype(np.float32)
    if not signed:
        return scales
    return np.stack([scales, (low - extent * (_HEADROOM - 1) / 2).astype(np.float32)])


def cache_specs(training: CacheSpec) -> tuple[CacheSpec, CacheSpec]:
    """The two caches of a trunk: augmented views to train on, and the pictures as they are to validate on."""
    return training, replace(training, augmented_views=1, seed=0, augmentation=NO_AUGMENTATION)
