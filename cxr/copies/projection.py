"""What of a descriptor tells pictures apart, and stays when a picture is copied: linear discriminants.

Chests look alike, so the directions in which descriptors differ most are not those that know a picture again. The
directions are learned from copies that are made from some of the pictures themselves; no labels are used.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from cxr.copies.made import Picture, made_copy
from cxr.copies.sampling import Floats, extents, small
from cxr.copies.windows import Windows, asked_of, windows_of

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
        seen, changes = [], []
        for picture in (pictures[i] for i in chosen):
            there = described(picture)[0].descriptors
            asked = described(made_copy(rng, picture))[1].descriptors
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


def described(picture: Picture) -> tuple[Windows, Windows]:
    """The windows that are looked through, and those that are looked for."""
    shrunk, extent = small(picture.pixels).astype(np.float32), extents([picture.width], [picture.height])[0]
    return windows_of(shrunk, extent), asked_of(shrunk, extent)
