"""The linear head on a trunk's feature map: logits, probabilities, and each location's exact share of the logit.

Two classes and a softmax are one difference of logits: p(COVID) = sigmoid(z_COVID - z_NonCOVID). The head is
kept as that difference, and everything here is a dot product.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from cxr.common.atomic_files import replace_when_complete
from cxr.common.errors import ModelError
from cxr.inference.known_answers import NPZ_FAULTS

HeadKind = Literal["flatten", "average"]


@dataclass(frozen=True)
class Head:
    """weights: float32[h, w, c], what each location's channel adds to the logit; for the "average" head the
    same c weights stand at every location, divided by h * w. bias: logit of an empty feature map."""

    kind: HeadKind
    weights: np.ndarray
    bias: float

    def seen(self, feature_maps: np.ndarray) -> np.ndarray:
        """What the logit is computed from: all of a map float32[n, h, w, c], or for the "average" head the means of its
        channels, float32[n, 1, 1, c]."""
        if self.kind == "flatten":
            return feature_maps
        return feature_maps.mean(axis=(1, 2), dtype=np.float64, keepdims=True).astype(np.float32)

    def seen_shape(self) -> tuple[int, int, int]:
        """Of one picture in `seen`."""
        height, width, channels = self.weights.shape
        return (height, width, channels) if self.kind == "flatten" else (1, 1, channels)

    def logits(self, feature_maps: np.ndarray) -> np.ndarray:
        """float32[n, h, w, c] to float64[n]: log odds of COVID before calibration."""
        if feature_maps.shape[1:] != self.weights.shape:
            raise ModelError(f"feature map of shape {feature_maps.shape[1:]}, the head takes {self.weights.shape}")
        return self.logits_of(self.seen(feature_maps))

    def logits_of(self, seen: np.ndarray) -> np.ndarray:
        """What `seen` gives, float32[n, *seen_shape()], to float64[n]: log odds of COVID before calibration."""
        weights = self.weights.astype(np.float64)
        if self.kind == "average":
            weights = weights.sum(axis=(0, 1))
        return seen.reshape(len(seen), -1).astype(np.float64) @ weights.reshape(-1) + self.bias

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
                kind = str(stored["kind"])
                if kind not in get_args(HeadKind):
                    raise ValueError(f"its kind is {kind}, known are {', '.join(get_args(HeadKind))}")
                weights, bias = stored["weights"], float(stored["bias"])
                if weights.dtype != np.float32 or weights.ndim != 3 or not np.isfinite([weights.sum(), bias]).all():
                    raise ValueError("its weights are not finite float32[h, w, c]")
                return cls(kind, weights, bias)  # type: ignore[arg-type]
        except NPZ_FAULTS as fault:
            raise ModelError(f"{path} is not a readable head ({fault}); register the model again") from None
