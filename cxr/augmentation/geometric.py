"""Augmented views: the original recipe's rotation, shift and flip as one affine map, and then another exposure.

Row i, view k is always the same picture: its random draw depends on the seed, the image's own bytes and k.
"""

import hashlib
import math

import numpy as np

from cxr.augmentation import operations
from cxr.augmentation.photometric import photometric_view
from cxr.augmentation.settings import AugmentationParams


def augmented_view(pixels: np.ndarray, params: AugmentationParams, rng: np.random.Generator) -> np.ndarray:
    """One random view of `pixels` uint8[size, size]; the same shape and type.

    What comes in from outside the picture repeats the nearest edge pixel, as Keras' ImageDataGenerator does
    by default: a black wedge would tell the network how far the picture was turned.
    """
    matrix = _random_map(len(pixels), params, rng)
    moved = operations.affine(pixels, matrix, _margin(len(pixels), params))
    return photometric_view(moved, params.photometric, rng)


def _random_map(image_size: int, params: AugmentationParams, rng: np.random.Generator) -> np.ndarray:
    """float64[2, 3]: about the centre, as `operations.affine` takes it."""
    angle = math.radians(rng.uniform(-params.rotation_degrees, params.rotation_degrees))
    shift_x, shift_y = rng.uniform(-params.shift_fraction, params.shift_fraction, 2) * image_size
    flip = -1.0 if params.horizontal_flip and rng.random() < 0.5 else 1.0
    linear = operations.turn_and_scale(angle, across=flip)
    centre = image_size / 2
    # The order of these differences decides the last bit, and with it every feature that is cached.
    offset = centre - linear[:, 0] * (centre + shift_x) - linear[:, 1] * (centre + shift_y)
    return np.column_stack([linear, offset])


def _margin(image_size: int, params: AugmentationParams) -> int:
    """Pixels of edge needed so that no corner of a turned and moved square reads outside."""
    turn = min(math.radians(params.rotation_degrees), math.pi / 4)
    reach = (math.cos(turn) + math.sin(turn)) * (0.5 + params.shift_fraction) - 0.5
    return math.ceil(image_size * reach) + 2


def augmentation_rng(seed: int, image_sha256: str, number: int) -> np.random.Generator:
    """The random stream of one view of one image."""
    digest = hashlib.blake2b(f"{seed}/{image_sha256}/{number}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))
