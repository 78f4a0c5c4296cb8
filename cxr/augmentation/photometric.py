"""Random versions of a picture as another hospital might have stored it: cropped, exposed and compressed otherwise.

The original recipe (cxr/augmentation/geometric.py) turns, moves and mirrors a picture. It leaves alone what tells
hospitals apart most surely: the border, the grey levels and the file format. This recipe changes them, so that a head
that learns from its versions can lean on them less.
"""

import math

import numpy as np

from cxr.augmentation import operations
from cxr.augmentation.settings import PhotometricParams

UNCHANGED = PhotometricParams(
    share=0, crop_fraction=0, gamma=1, contrast=0, brightness=0, blur_pixels=0, jpeg_quality=95, equalise=0
)


def photometric_view(pixels: np.ndarray, params: PhotometricParams, rng: np.random.Generator) -> np.ndarray:
    """One random version of uint8[size, size]; the same shape and type. Blur and compression each come half of the
    time."""
    if rng.random() >= params.share:
        return pixels
    # Each side's strip is drawn by itself.
    left, top, right, bottom = rng.uniform(0, params.crop_fraction, 4) * len(pixels)
    picture = operations.crop(pixels, left, top, right, bottom)
    if rng.random() < 0.5:
        picture = operations.blur(picture, rng.uniform(0, params.blur_pixels))
    if rng.random() < params.equalise:
        picture = operations.equalise(picture)
    picture = operations.regraded(picture, _random_levels(params, rng))
    if rng.random() < 0.5:
        picture = operations.jpeg(picture, int(rng.integers(params.jpeg_quality, 96)))
    return picture


def _random_levels(params: PhotometricParams, rng: np.random.Generator) -> np.ndarray:
    """float64[256]: another exposure."""
    reach = math.log(params.gamma)
    levels = operations.gamma(operations.GREY_LEVELS, math.exp(rng.uniform(-reach, reach)))
    levels = operations.contrast(levels, 1 + rng.uniform(-params.contrast, params.contrast))
    return operations.brightness(levels, rng.uniform(-params.brightness, params.brightness))
