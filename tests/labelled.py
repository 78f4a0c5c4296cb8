"""Pictures with a label that can be seen: what training, fitting and registration are tried on."""

import numpy as np

from cxr.common.labels import COVID, NON_COVID
from cxr.data.dataset import Split
from tests.rows import image_row


def pictures(count: int, image_size: int = 32, seed: int = 0) -> np.ndarray:
    """Noise, uint8[count, size, size]; no two are alike."""
    return np.random.default_rng(seed).integers(0, 256, (count, image_size, image_size), np.uint8)


def labelled_split(count: int, split: int = 32, seed: int = 0) -> Split:
    """Every second image is COVID and brighter in the middle, which is what `tests.tiny` looks at."""
    store = pictures(count, split, seed) // 2
    middle = slice(split // 4, -split // 4)
    store[1::2, middle, middle] += 100
    rows = [
        image_row(f"{seed}-{i}.png", label=(NON_COVID, COVID)[i % 2], patient=f"test/{seed}-{i // 2}")
        for i in range(count)
    ]
    return Split(rows, np.arange(count), store)
