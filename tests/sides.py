"""Pictures with a label that can be seen: what training, fitting and registration are tried on."""

import numpy as np

from cxr.common.labels import COVID, NON_COVID
from cxr.data.dataset import Side
from tests.rows import image_row


def pictures(count: int, side: int = 32, seed: int = 0) -> np.ndarray:
    """Noise, uint8[count, side, side]; no two are alike."""
    return np.random.default_rng(seed).integers(0, 256, (count, side, side), np.uint8)


def labelled_side(count: int, side: int = 32, seed: int = 0) -> Side:
    """Every second image is COVID and brighter in the middle, which is what `tests.tiny` looks at."""
    store = pictures(count, side, seed) // 2
    middle = slice(side // 4, -side // 4)
    store[1::2, middle, middle] += 100
    rows = [
        image_row(f"{seed}-{i}.png", label=(NON_COVID, COVID)[i % 2], patient=f"test/{seed}-{i // 2}")
        for i in range(count)
    ]
    return Side(rows, np.arange(count), store)
