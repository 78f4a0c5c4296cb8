"""What of a descriptor tells pictures apart, and stays when a picture is copied: linear discriminants.

Chests look alike, so the directions in which descriptors differ most are not those that know a picture again. The
directions are learned from copies that are made from some of the pictures themselves; no labels are used.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from cxr.copies.made import Picture, made_copy
from cxr.copies.sampling import Floats, SmallPictures
from cxr.copies.windows import asked_of, windows_of

_DIRECTIONS = 48
_PICTURES = 400  # that copies are made of
_RIDGE = 0.01


@dataclass(frozen=True)
class Projection:
    """mean: float32[d]. directions: float32[d, k]."""

    mean: Floats
    directions: Floats

    @classmethod
    def learn(cls, pictures: Sequence[Picture], seed: int) -> "Projection":
        """From at most 400 of `pictures`, and one copy made of each."""
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(pictures), min(len(pictures), _PICTURES), replace=False)
        originals = [pictures[int(i)] for i in chosen]
        small, copies = SmallPictures.of(originals), SmallPictures.of([made_copy(rng, one) for one in originals])
        seen, changes = [], []
        for i in range(len(originals)):
            there = windows_of(small, range(i, i + 1)).descriptors(small)
            asked = asked_of(range(i, i + 1)).descriptors(copies)
            nearest = (asked @ there.T).argmax(axis=1)
            seen.append(there)
            changes.append(asked - there[nearest])
        everything, change = np.concatenate(seen), np.concatenate(changes).astype(np.float64)
        within = change.T @ change / len(change)
        within += np.eye(len(within)) * (_RIDGE * np.trace(within) / len(within) + 1e-9)
        _, directions = eigh(np.cov(everything.T), within)
        return cls(everything.mean(axis=0), directions[:, : -_DIRECTIONS - 1 : -1].astype(np.float32))

    def of(self, descriptors: Floats) -> Floats:
        """float32[n, k], of length 1."""
        found = (descriptors - self.mean) @ self.directions
        return np.ascontiguousarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6))
