"""Random versions of a picture as another machine might have taken it: turned, moved, zoomed, exposed otherwise.

Stronger than the views of cxr/augmentation/geometric.py, which are the original recipe's: what learns from a few
hundred pictures (the lung segmenter, the gate) has to be told what does not matter.
"""

import math

import numpy as np
from PIL import Image

from cxr.augmentation.settings import StrongParams

_LEVELS = np.arange(256, dtype=np.float32) / np.float32(255)


def strong_view(picture: np.ndarray, params: StrongParams, rng: np.random.Generator) -> np.ndarray:
    """One random version of uint8[size, size], mirrored half of the time; the same shape and type."""
    return _distorted(picture, _affine(len(picture), params, rng), params, rng)


def strong_view_pair(
    picture: np.ndarray, mask: np.ndarray, params: StrongParams, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """One random version of a picture uint8[size, size] and of a mask of the same kind, moved alike; the mask keeps
    its levels, and is 0 where it comes in from outside."""
    matrix = _affine(len(picture), params, rng)
    return _distorted(picture, matrix, params, rng), _moved(mask, matrix, 0, len(mask))


def _distorted(picture: np.ndarray, matrix: np.ndarray, params: StrongParams, rng: np.random.Generator) -> np.ndarray:
    # Half of the time what comes in from outside is black, half of the time it repeats the edge: films do both.
    margin = len(picture) if rng.random() < 0.5 else 0
    padded = np.pad(picture, margin, mode="edge") if margin else picture
    return _exposed(_moved(padded, matrix, margin, len(picture)), params, rng)


def _affine(image_size: int, params: StrongParams, rng: np.random.Generator) -> np.ndarray:
    """float64[2, 3]: from each new position to the old one that it is read from, as Pillow takes it."""
    angle = math.radians(rng.uniform(-params.rotation_degrees, params.rotation_degrees))
    zoom, stretch = _factor(params.zoom, rng), _factor(math.sqrt(params.stretch), rng)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    shift = rng.uniform(-params.shift_fraction, params.shift_fraction, 2) * image_size
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    matrix = turn / np.array([[zoom * stretch * flip], [zoom / stretch]])
    return np.column_stack([matrix, image_size / 2 - matrix @ (image_size / 2 + shift)])


def _moved(picture: np.ndarray, matrix: np.ndarray, margin: int, image_size: int) -> np.ndarray:
    coefficients = matrix + np.array([[0, 0, margin], [0, 0, margin]])
    image = Image.fromarray(picture)
    return np.asarray(
        image.transform(
            (image_size, image_size), Image.Transform.AFFINE, tuple(coefficients.ravel()), Image.Resampling.BILINEAR
        )
    )


def _exposed(picture: np.ndarray, params: StrongParams, rng: np.random.Generator) -> np.ndarray:
    levels = _LEVELS ** np.float32(_factor(params.gamma, rng))  # of 256 levels, not of every pixel
    levels = (levels - 0.5) * np.float32(_factor(params.contrast, rng)) + 0.5
    levels += np.float32(rng.uniform(-params.brightness, params.brightness))
    grey = levels[picture]
    grey += rng.standard_normal(grey.shape, np.float32) * np.float32(rng.uniform(0, params.noise))
    return np.rint(np.clip(grey, 0, 1) * 255).astype(np.uint8)


def _factor(largest: float, rng: np.random.Generator) -> float:
    """Between 1 / largest and largest, enlarging as often as shrinking."""
    return float(np.exp(rng.uniform(-1, 1) * math.log(largest)))
