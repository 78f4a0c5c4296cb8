"""What can be done to a picture, one function each. Nothing here is random: a recipe draws the numbers.

A picture is uint8[h, w]; the geometric operations want a square one. Grey levels are a table float[256] in 0..1 that
says what becomes of each of the 256 values: changing the table is cheaper than changing every pixel.
"""

import io
import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter, ImageOps

Floats = npt.NDArray[np.floating]
GREY_LEVELS: Floats = np.linspace(0, 1, 256)  # every value as it is

# --- where a pixel comes from -------------------------------------------------------------------------------------


def turn_and_scale(angle: float, across: float = 1.0, down: float = 1.0) -> Floats:
    """float64[2, 2], from each new position to the old one, as `affine` takes it.

    angle: radians. across, down: how many times larger the picture becomes in each direction; -1 mirrors it.
    """
    cos = math.cos(angle)
    sin = math.sin(angle)
    return np.array([[cos, sin], [-sin, cos]]) / np.array([[across], [down]])


def translation(right: float, down: float) -> Floats:
    """float64[2, 3]: moves a picture by so many pixels."""
    return np.array([[1.0, 0.0, -right], [0.0, 1.0, -down]])


def affine(picture: np.ndarray, matrix: Floats, margin: int = 0) -> np.ndarray:
    """uint8[size, size] whose pixel at (x, y) is read at matrix @ (x, y, 1), bilinear. matrix: float64[2, 3].

    margin: for so many pixels around the picture, what comes in from outside repeats the nearest edge pixel; what lies
    further out is black.
    """
    image_size = len(picture)
    padded = np.pad(picture, margin, mode="edge") if margin else picture
    coefficients = matrix + np.array([[0, 0, margin], [0, 0, margin]])
    moved = Image.fromarray(padded).transform(
        (image_size, image_size), Image.Transform.AFFINE, tuple(coefficients.ravel()), Image.Resampling.BILINEAR
    )
    return np.asarray(moved)


def mirrored(pictures: np.ndarray) -> np.ndarray:
    """Left and right exchanged, of one picture or of uint8[n, h, w]."""
    return np.ascontiguousarray(pictures[..., ::-1])


def crop(picture: np.ndarray, left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Without a strip of so many pixels on each side; the rest is stretched to the whole, bilinear."""
    height, width = picture.shape
    box = (left, top, width - right, height - bottom)
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR, box=box))


# --- grey levels --------------------------------------------------------------------------------------------------


def gamma(levels: Floats, power: float) -> Floats:
    """Raised to `power`: below 1 the middle becomes brighter, above 1 darker."""
    return levels**power


def contrast(levels: Floats, factor: float) -> Floats:
    """Their distance from mid-grey times `factor`."""
    return (levels - 0.5) * factor + 0.5


def brightness(levels: Floats, by: float) -> Floats:
    """by: of the whole range, -1 to 1."""
    return levels + by


def noise(grey: Floats, standard_normal: Floats, deviation: float) -> Floats:
    """grey: of pixels, 0..1. standard_normal: a number for each, drawn by the caller. deviation: of the whole range."""
    return grey + standard_normal * deviation


def to_bytes(grey: Floats) -> np.ndarray:
    """0..1 to uint8 of the same shape, rounded; what lies outside is cut off."""
    return np.rint(np.clip(grey, 0, 1) * 255).astype(np.uint8)


def regraded(pictures: np.ndarray, levels: Floats) -> np.ndarray:
    """uint8 of any shape, every value replaced by what the table says."""
    return to_bytes(levels)[pictures]


def equalise(picture: np.ndarray) -> np.ndarray:
    """Its grey levels spread so that each is about as frequent as any other."""
    return np.asarray(ImageOps.equalize(Image.fromarray(picture)))


# --- sharpness and storage ----------------------------------------------------------------------------------------


def blur(picture: np.ndarray, radius: float) -> np.ndarray:
    """radius: standard deviation of the Gaussian, in pixels."""
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """Through JPEG and back. quality: 1 to 95, as Pillow counts it."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as stored:
        return np.asarray(stored)
