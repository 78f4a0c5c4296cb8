"""The linear head on a trunk's feature map: logits, probabilities, and each location's exact share of the logit.

Two classes and a softmax are one difference of logits: p(COVID) = sigmoid(z_COVID - z_NonCOVID). The head is
kept as that difference, and everything here is a dot product.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from cxr.errors import ModelError
from cxr.files import replace_when_complete

HeadKind = Literal["flatten", "average"]


@dataclass(frozen=True)
class Head:
    """weights: float32[h, w, c], what each location's channel adds to the logit; for the "average" head the
    same c weights stand at every location, divided by h * w. bias: logit of an empty feature map."""

    kind: HeadKind
    weights: np.ndarray
    bias: float

    def logits(self, feature_maps: np.ndarray) -> np.ndarray:
        """float32[n, h, w, c] to float64[n]: log odds of COVID before calibration."""
        flat = feature_maps.reshape(len(feature_maps), -1)
        if flat.shape[1] != self.weights.size:
            raise ModelError(f"feature map of shape {feature_maps.shape[1:]}, the head takes {self.weights.shape}")
        return flat.astype(np.float64) @ self.weights.reshape(-1).astype(np.float64) + self.bias

    def shares(self, feature_maps: np.ndarray) -> np.ndarray:
        """float32[n, h, w, c] to float64[n, h, w]: each location's part of the logit; with the bias, its sum."""
        return np.einsum("nhwc,hwc->nhw", feature_maps, self.weights, dtype=np.float64, optimize=True)

    def save(self, path: Path) -> None:
        with replace_when_complete(path) as partial, partial.open("wb") as handle:
            np.savez(handle, kind=self.kind, weights=self.weights, bias=np.float64(self.bias))

    @classmethod
    def load(cls, path: Path) -> "Head":
        """Raises ModelError where the file is not a head. Nothing in it is executed: no pickle."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls(str(stored["kind"]), stored["weights"], float(stored["bias"]))  # type: ignore[arg-type]
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as fault:
            raise ModelError(f"{path} is not a readable head ({fault}); register the model again") from None
