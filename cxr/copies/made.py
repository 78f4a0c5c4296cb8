"""Copies made from a picture, as another collection might have it: cropped, scaled, regraded, marked, compressed."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from cxr.augmentation.operations import GREY_LEVELS, brightness, contrast, gamma, jpeg, regraded

_SMALLEST = 64  # pixels of a side


@dataclass(frozen=True)
class Picture:
    """pixels: uint8[size, size], stretched as in the pixel store. width, height: pixels of the original."""

    pixels: np.ndarray
    width: int
    height: int


def made_copy(rng: np.random.Generator, picture: Picture, jpeg_quality: int = 30) -> Picture:
    """60 to 100 % of each side, at half to the whole of the resolution, gamma 0.6 to 1.65, with a burnt-in mark."""
    shape = (picture.width, picture.height)
    whole = np.asarray(Image.fromarray(picture.pixels).resize(shape, Image.Resampling.BILINEAR))
    width, height = (max(int(length * rng.uniform(0.6, 1)), min(length, _SMALLEST)) for length in shape)
    left, top = (int(rng.integers(full - part + 1)) for full, part in zip(shape, (width, height), strict=True))
    scale = rng.uniform(0.5, 1)
    smaller = (max(int(width * scale), _SMALLEST), max(int(height * scale), _SMALLEST))
    part = Image.fromarray(whole[top : top + height, left : left + width]).resize(smaller, Image.Resampling.BILINEAR)
    levels = gamma(GREY_LEVELS, float(np.exp(rng.uniform(np.log(0.6), np.log(1.65)))))
    levels = brightness(contrast(levels, rng.uniform(0.8, 1.2)), rng.uniform(-0.12, 0.12))
    stored = jpeg(_marked(rng, regraded(np.asarray(part), levels)), jpeg_quality)
    square = Image.fromarray(stored).resize(picture.pixels.shape[::-1], Image.Resampling.BILINEAR)
    return Picture(np.asarray(square), *smaller)


def _marked(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """With a white L of 8 to 16 % of the shorter side somewhere."""
    marked = picture.copy()
    size = max(int(min(picture.shape) * rng.uniform(0.08, 0.16)), 4)
    down, across = (int(rng.integers(length - size)) for length in picture.shape)
    marked[down : down + size, across : across + size // 3] = 255
    marked[down + size - size // 3 : down + size, across : across + size] = 255
    return marked
