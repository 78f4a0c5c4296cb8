"""Batches of pictures for fine-tuning, in numpy alone, so that any framework can take them."""

import math

import numpy as np

from cxr.augmentation.geometric import augmentation_rng, augmented_view
from cxr.data.dataset import Split
from cxr.features.row_store import pixel_keys
from cxr.features.settings import FeaturesParams

# Pictures uint8[n, size, size, 1], labels float32[n, 1] of 0 or 1, and what each example weighs in the loss,
# float32[n]. Bytes travel to the device, and become numbers there.
Batch = tuple[np.ndarray, np.ndarray, np.ndarray]


class PlainBatches:
    """The pictures as they are, in their order. Batches may be asked for by several threads at once."""

    def __init__(self, split: Split, cost: np.ndarray, batch_size: int):
        self._split = split
        self._cost = cost
        self._batch_size = batch_size
        self._y = split.y.astype(np.float32)[:, None]

    def __len__(self) -> int:
        return math.ceil(len(self._y) / self._batch_size)

    def __getitem__(self, number: int) -> Batch:
        rows = self._rows()[number * self._batch_size :][: self._batch_size]
        return np.stack([self._picture(i) for i in rows])[..., None], self._y[rows], self._cost[rows]

    def next_epoch(self) -> None:
        """Nothing changes from one epoch to the next."""

    def _rows(self) -> np.ndarray:
        return np.arange(len(self._y))

    def _picture(self, i: int) -> np.ndarray:
        return self._split.picture(i)


class AugmentedBatches(PlainBatches):
    """One random view of each picture per epoch, in random order; the views are those of the cache, number by number.

    What an epoch holds depends on `seed` and the epoch's number alone, whoever computes it.
    """

    def __init__(self, split: Split, cost: np.ndarray, batch_size: int, params: FeaturesParams, seed: int):
        super().__init__(split, cost, batch_size)
        self._params = params
        self._seed = seed
        self._epoch = 0
        self._keys = pixel_keys(split.picture, len(split.rows))
        self._draw()

    def next_epoch(self) -> None:
        """Draw order and views anew; not while batches of this epoch are still being made."""
        self._epoch += 1
        self._draw()

    def _draw(self) -> None:
        rng = np.random.default_rng((self._seed, self._epoch))
        self._order = rng.permutation(len(self._keys))
        self._view = rng.integers(self._params.augmented_views, size=len(self._keys))

    def _rows(self) -> np.ndarray:
        return self._order

    def _picture(self, i: int) -> np.ndarray:
        rng = augmentation_rng(self._params.seed, self._keys[i], int(self._view[i]))
        return augmented_view(self._split.picture(i), self._params.augmentation, rng)
