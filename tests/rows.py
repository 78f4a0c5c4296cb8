"""Rows of the image table for tests: everything has a default, so that a test names only what it is about."""

import hashlib
from typing import Any

import numpy as np

from cxr.data.manifest import ImageRow


def random_phash(rng: np.random.Generator) -> str:
    return rng.bytes(32).hex()


def image_row(path: str, **changes: Any) -> ImageRow:
    """An image whose hashes follow from its path."""
    digest = hashlib.sha256(path.encode()).hexdigest()
    values: dict[str, Any] = {
        "path": path,
        "source": "test",
        "label": "COVID",
        "patient": f"test/{path}",
        "view": "PA",
        "finding": "",
        "sex": "",
        "age": "",
        "sha256": digest,
        "phash": hashlib.sha256(digest.encode()).hexdigest(),
        "width": 10,
        "height": 10,
        "role": "train",
    }
    return ImageRow(**{**values, **changes})


def with_flipped_bits(phash: str, bits: int) -> str:
    """The same hash with its first `bits` bits turned over."""
    return f"{int(phash, 16) ^ ((1 << bits) - 1):064x}"
