"""Random versions of a picture as another hospital might have stored it: cropped, exposed and compressed otherwise.

The original recipe's views (cxr/augmentation/geometric.py) turn, move and mirror; they leave alone what tells hospitals
apart most surely, the border, the grey levels and the file format. These change them, so that a head trained on them
can lean on them less.
"""

import io
import math

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from cxr.augmentation.settings import PhotometricParams

UNCHANGED = PhotometricParams(
    share=0, crop_fraction=0, gamma=1, contrast=0, brightness=0, blur_pixels=0, jpeg_quality=95, equalise=0
)


def photometric_view(pixels: np.ndarray, params: PhotometricParams, rng: np.random.Generator) -> np.ndarray:
    """One random version of uint8[size, size]; the same shape and type. Blur and compression each come half of the
    time."""
    if rng.random() >= params.share:
        return pixels
    picture = _cropped(pixels, params.crop_fraction, rng)
    if rng.random() < 0.5:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, params.blur_pixels)))
    if rng.random() < params.equalise:
        picture = ImageOps.equalize(picture)
    picture = Image.fromarray(_regraded(np.asarray(picture), params, rng))
    if rng.random() < 0.5:
        picture = _compressed(picture, int(rng.integers(params.jpeg_quality, 96)))
    return np.asarray(picture)


def _cropped(pixels: np.ndarray, fraction: float, rng: np.random.Generator) -> Image.Image:
    """Each side's strip drawn by itself, the rest stretched to the whole square."""
    image_size = len(pixels)
    left, top, right, bottom = rng.uniform(0, fraction, 4) * image_size
    box = (left, top, image_size - right, image_size - bottom)
    return Image.fromarray(pixels).resize((image_size, image_size), Image.Resampling.BILINEAR, box=box)


def _regraded(pixels: np.ndarray, params: PhotometricParams, rng: np.random.Generator) -> np.ndarray:
    reach = math.log(params.gamma)
    levels = np.linspace(0, 1, 256) ** math.exp(rng.uniform(-reach, reach))
    levels = (levels - 0.5) * (1 + rng.uniform(-params.contrast, params.contrast)) + 0.5
    levels += rng.uniform(-params.brightness, params.brightness)
    return np.rint(np.clip(levels, 0, 1) * 255).astype(np.uint8)[pixels]


def _compressed(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)
