"""How like the pictures of its training sources a picture is: a number from 0 to 1, and a warning where it is small.

The distance is Mahalanobis' (Lee et al. 2018) from the nearest source, with a covariance that is shrunk towards a
sphere, between square roots of the channels' means brought to length 1 (Hellinger's): how bright the map is as a whole
tells little. A distance means nothing to a reader, so it is ranked among those of pictures of the same sources that
training did not see: the share of them that is at least as far away is a conformal p-value (Vovk et al. 2005; Bates et
al. 2023), and a picture of a known source falls below 0.05 once in twenty times. It is numpy alone, and costs a product
of a vector and a small matrix. Fitted by cxr/training/familiarity_fit.py.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cxr.common.atomic_files import replace_when_complete
from cxr.common.errors import ModelError, UnsoundError
from cxr.inference.known_answers import NPZ_FAULTS

FILE = "familiarity.npz"
UNFAMILIAR = 0.05  # a picture is warned of below it: so seldom is one of a known source

Array = npt.NDArray[np.float64]


def channel_means(feature_maps: np.ndarray) -> npt.NDArray[np.float32]:
    """float32[n, h, w, c] to float32[n, c], the mean of each channel over all places."""
    return feature_maps.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)


def ranks(known: Array, distances: Array) -> Array:
    """float64[n], above 0 and at most 1: of `known` distances, sorted, the share that is at least as large; the
    distance itself counts among them."""
    farther = len(known) - np.searchsorted(known, distances, side="left")
    return (1 + farther) / (1 + len(known))


def directions_of(means: np.ndarray) -> Array:
    """Channels' means, float32[n, c], to vectors of length 1, float64[n, c]: their square roots with their signs."""
    roots = np.sign(means) * np.sqrt(np.abs(means, dtype=np.float64))
    return roots / np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), np.finfo(float).tiny)


@dataclass(frozen=True)
class Familiarity:
    """usual: float32[c, k], the main directions of the spread within a source, each as long as it is to be forgiven, 0
    to 1. centres: float32[s, c], of each source. known: float64[m], sorted: distances of pictures of these sources that
    were not fitted to."""

    usual: npt.NDArray[np.float32]
    centres: npt.NDArray[np.float32]
    known: Array

    def __post_init__(self) -> None:
        arrays = (self.usual, self.centres, self.known)
        fit = [array.ndim for array in arrays] == [2, 2, 1] and len(self.usual) == self.centres.shape[-1]
        if not fit or not self.centres.size or not self.known.size:
            shapes = [array.shape for array in arrays]
            raise ModelError(f"a familiarity has arrays of {shapes}; expected (c, k), (sources, c) and (m,)")

    @property
    def channels(self) -> int:
        return len(self.usual)

    def distances(self, means: np.ndarray) -> Array:
        """float32[n, c], of `channel_means`, to float64[n]: the squared distance from the nearest source, less what the
        usual spread accounts for."""
        away = directions_of(means)[:, None] - self.centres
        return ((away**2).sum(axis=2) - ((away @ self.usual) ** 2).sum(axis=2)).min(axis=1)

    def of(self, means: np.ndarray) -> Array:
        """float32[n, c] to float64[n], above 0 and at most 1: of known pictures, the share at least as far away.

        Raises UnsoundError where a mean is not finite."""
        distances = self.distances(means)
        if not np.isfinite(distances).all():
            raise UnsoundError("the familiarity of a picture is not finite")
        return ranks(self.known, distances)

    def save(self, path: Path) -> None:
        with replace_when_complete(path) as partial, partial.open("wb") as handle:
            np.savez(handle, usual=self.usual, centres=self.centres, known=self.known)

    @classmethod
    def load(cls, path: Path) -> "Familiarity":
        """Raises ModelError where `path` is not what `save` wrote. Nothing in it is executed: no pickle."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in ("usual", "centres", "known")}
                if not all(np.isfinite(array).all() for array in arrays.values()):
                    raise ValueError("it has numbers that are not finite")
                if (np.diff(arrays["known"]) < 0).any():
                    raise ValueError("its known distances are not sorted")
                return cls(**arrays)
        except NPZ_FAULTS as fault:
            raise ModelError(f"{path} is not a readable familiarity ({fault}); register the model again") from None
