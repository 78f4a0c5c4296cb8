"""Random versions of a picture as another machine might have taken it: turned, moved, zoomed, exposed otherwise.

Stronger than the views of cxr/augmentation/geometric.py, which are the original recipe's: a network that learns from a
few hundred pictures (the lung segmenter, the gate) has to be told what does not matter.
"""

import math

import numpy as np

from cxr.augmentation import operations
from cxr.augmentation.settings import StrongParams

_LEVELS = operations.GREY_LEVELS.astype(np.float32)


def strong_view(picture: np.ndarray, params: StrongParams, rng: np.random.Generator) -> np.ndarray:
    """One random version of uint8[size, size], mirrored half of the time; the same shape and type."""
    return _distorted(picture, _random_map(len(picture), params, rng), params, rng)


def strong_view_pair(
    picture: np.ndarray, mask: np.ndarray, params: StrongParams, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """One random version of a picture uint8[size, size] and of a mask of the same kind, moved alike; the mask keeps
    its levels, and is 0 where it comes in from outside."""
    matrix = _random_map(len(picture), params, rng)
    return _distorted(picture, matrix, params, rng), operations.affine(mask, matrix)


def _distorted(picture: np.ndarray, matrix: np.ndarray, params: StrongParams, rng: np.random.Generator) -> np.ndarray:
    # Half of the time what comes in from outside is black, half of the time it repeats the edge: films do both.
    margin = len(picture) if rng.random() < 0.5 else 0
    return _exposed(operations.affine(picture, matrix, margin), params, rng)


def _random_map(image_size: int, params: StrongParams, rng: np.random.Generator) -> np.ndarray:
    """float64[2, 3]: about the centre, as `operations.affine` takes it."""
    angle = math.radians(rng.uniform(-params.rotation_degrees, params.rotation_degrees))
    zoom = _factor(params.zoom, rng)
    stretch = _factor(math.sqrt(params.stretch), rng)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    shift = rng.uniform(-params.shift_fraction, params.shift_fraction, 2) * image_size
    linear = operations.turn_and_scale(angle, across=zoom * stretch * flip, down=zoom / stretch)
    return np.column_stack([linear, image_size / 2 - linear @ (image_size / 2 + shift)])


def _exposed(picture: np.ndarray, params: StrongParams, rng: np.random.Generator) -> np.ndarray:
    levels = operations.gamma(_LEVELS, _factor(params.gamma, rng))
    levels = operations.contrast(levels, _factor(params.contrast, rng))
    levels = operations.brightness(levels, rng.uniform(-params.brightness, params.brightness))
    standard_normal = rng.standard_normal(picture.shape, np.float32)
    grey = operations.noise(levels[picture], standard_normal, rng.uniform(0, params.noise))
    return operations.to_bytes(grey)


def _factor(largest: float, rng: np.random.Generator) -> float:
    """Between 1 / largest and largest, enlarging as often as shrinking."""
    return float(np.exp(rng.uniform(-1, 1) * math.log(largest)))
