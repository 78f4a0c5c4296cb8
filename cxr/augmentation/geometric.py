"""Augmented views: the original recipe's rotation, shift and flip as one affine map, and then another exposure.

Row i, view k is always the same picture: its random draw depends on the seed, the image's own bytes and k.
"""

import hashlib
import math

import numpy as np
from PIL import Image

from cxr.augmentation.photometric import photometric_view
from cxr.augmentation.settings import AugmentationParams


def augmented_view(pixels: np.ndarray, params: AugmentationParams, rng: np.random.Generator) -> np.ndarray:
    """One random view of `pixels` uint8[size, size]; the same shape and type.

    What comes in from outside the picture repeats the nearest edge pixel, as Keras' ImageDataGenerator does
    by default: a black wedge would tell the network how far the picture was turned.
    """
    image_size = pixels.shape[0]
    angle = math.radians(rng.uniform(-params.rotation_degrees, params.rotation_degrees))
    shift_x, shift_y = rng.uniform(-params.shift_fraction, params.shift_fraction, 2) * image_size
    flip = -1.0 if params.horizontal_flip and rng.random() < 0.5 else 1.0
    margin = _margin(image_size, params)
    centre = image_size / 2
    cos, sin = math.cos(angle), math.sin(angle)
    # Pillow maps each output position to the input position that it is read from.
    a, b = flip * cos, flip * sin
    d, e = -sin, cos
    c = centre - a * (centre + shift_x) - b * (centre + shift_y) + margin
    f = centre - d * (centre + shift_x) - e * (centre + shift_y) + margin
    padded = Image.fromarray(np.pad(pixels, margin, mode="edge"))
    turned = padded.transform(
        (image_size, image_size), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BILINEAR
    )
    return photometric_view(np.asarray(turned), params.photometric, rng)


def _margin(image_size: int, params: AugmentationParams) -> int:
    """Pixels of edge needed so that no corner of a turned and moved square reads outside."""
    turn = min(math.radians(params.rotation_degrees), math.pi / 4)
    reach = (math.cos(turn) + math.sin(turn)) * (0.5 + params.shift_fraction) - 0.5
    return math.ceil(image_size * reach) + 2


def augmentation_rng(seed: int, image_sha256: str, number: int) -> np.random.Generator:
    """The random stream of one view of one image."""
    digest = hashlib.blake2b(f"{seed}/{image_sha256}/{number}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))
