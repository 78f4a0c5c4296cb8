"""The gate: is this picture a frontal chest X-ray, and if not, what is wrong with it? numpy alone.

It looks at a thumbnail: brought to mean 0 and deviation 1, so that exposure tells it nothing, and judged by a
network of one hidden layer. How a chest is laid out survives at 32 x 32; what tells hospitals apart mostly does
not. Averages of the trunk's feature map, tried in its place, know too little of where things are, passed a third
of the lateral views and refused more adults of an unknown hospital. And a refused picture costs no trunk.
Trained by cxr/gate/train.py.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from cxr.common.errors import ModelError, UnsoundError
from cxr.imaging.decode import resize
from cxr.imaging.exposure import exposure_fault
from cxr.inference.known_answers import NPZ_FAULTS

Refusal = Literal["blank", "exposure", "ct", "lateral", "inverted", "not_frontal", "not_xray"]
Kind = Literal["frontal", "ct", "lateral", "inverted", "misplaced", "other"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FRONTAL: Kind = "frontal"
REASONS: dict[Kind, Refusal] = {
    "ct": "ct",
    "lateral": "lateral",
    "inverted": "inverted",
    "misplaced": "not_frontal",  # turned by a quarter or upside down, or a small part of a chest
    "other": "not_xray",
}
FILE = "gate.npz"
SIDE = 32  # of the thumbnail
_SOFTENING = 4.0  # grey levels added to the deviation: noise on a flat picture is not blown up to a pattern


@dataclass(frozen=True)
class Gate:
    """kinds: (k,), the columns of the output. hidden, output: weights float32[SIDE * SIDE, h] and float32[h, k], each
    with its bias. threshold: a picture passes whose log odds of being frontal reach it."""

    kinds: tuple[Kind, ...]
    hidden: tuple[np.ndarray, np.ndarray]
    output: tuple[np.ndarray, np.ndarray]
    threshold: float

    def __post_init__(self) -> None:
        wide = len(self.hidden[1])
        shapes = [array.shape for array in (*self.hidden, *self.output)]
        wanted = [(SIDE * SIDE, wide), (wide,), (wide, len(self.kinds)), (len(self.kinds),)]
        if shapes != wanted or FRONTAL not in self.kinds or not set(self.kinds) <= set(KINDS):
            raise ModelError(f"a gate of kinds {self.kinds} has arrays of {shapes}, expected {wanted}")

    @classmethod
    def load(cls, path: Path) -> "Gate":
        """Raises ModelError where `path` is not what `save` wrote."""
        try:
            with np.load(path, allow_pickle=False) as file:
                kinds = cast(tuple[Kind, ...], tuple(file["kinds"].tolist()))
                hidden, output = ((file[f"{name}_weights"], file[f"{name}_bias"]) for name in ("hidden", "output"))
                threshold = float(file["threshold"])
                if not all(np.isfinite(values).all() for values in (*hidden, *output, threshold)):
                    raise ValueError("it has numbers that are not finite")
                return cls(kinds, hidden, output, threshold)
        except NPZ_FAULTS as fault:
            raise ModelError(f"{path} is not a readable gate ({fault}); run `dvc repro`") from None

    def save(self, path: Path) -> None:
        np.savez(
            path,
            kinds=np.array(self.kinds),
            hidden_weights=self.hidden[0],
            hidden_bias=self.hidden[1],
            output_weights=self.output[0],
            output_bias=self.output[1],
            threshold=np.float64(self.threshold),
        )

    def refusal(self, pixels: np.ndarray) -> Refusal | None:
        """Why the picture uint8[size, size], of any side, is not to be classified, or None."""
        fault = exposure_fault(pixels)
        if fault is not None:
            return fault
        odds, kind = self.judge(pixels[None])
        if not np.isfinite(odds[0]):
            raise UnsoundError("the gate gave log odds that are not finite")
        return None if odds[0] >= self.threshold else REASONS[kind[0]]

    def judge(self, pictures: np.ndarray) -> tuple[npt.NDArray[np.float64], list[Kind]]:
        """Log odds of being frontal, float64[n], and the likeliest kind but frontal, of uint8[n, size, size]."""
        scores = self.scores(thumbnails(pictures))
        frontal = self.kinds.index(FRONTAL)
        others = np.delete(scores, frontal, axis=1)
        names = [kind for kind in self.kinds if kind != FRONTAL]
        odds = scores[:, frontal] - np.logaddexp.reduce(others, axis=1)
        return odds, [names[i] for i in others.argmax(axis=1)]

    def scores(self, inputs: np.ndarray) -> npt.NDArray[np.float64]:
        """Log probability of each kind up to a constant, float64[n, k], of what `thumbnails` gives."""
        hidden = np.maximum(inputs @ self.hidden[0] + self.hidden[1], 0)
        return (hidden @ self.output[0] + self.output[1]).astype(np.float64)


def is_blank(pixels: np.ndarray) -> bool:
    """Whether the picture shows nothing, or almost."""
    return exposure_fault(pixels) == "blank"


def thumbnails(pictures: np.ndarray) -> npt.NDArray[np.float32]:
    """What the network sees of uint8[n, size, size]: float32[n, SIDE * SIDE], each of mean 0 and deviation about 1."""
    small = [resize(picture, SIDE) for picture in pictures]
    return standardised(np.array(small, np.uint8).reshape(-1, SIDE, SIDE))


def standardised(small: np.ndarray) -> npt.NDArray[np.float32]:
    """Of uint8[n, SIDE, SIDE] what `thumbnails` gives of larger pictures."""
    flat = small.reshape(len(small), SIDE * SIDE).astype(np.float32)
    centred = flat - flat.mean(axis=1, keepdims=True)
    return centred / (flat.std(axis=1, keepdims=True) + np.float32(_SOFTENING))
