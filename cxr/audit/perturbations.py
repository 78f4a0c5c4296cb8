"""Changes of a picture that leave its diagnosis as it was, and pictures that have no diagnosis left.

All take uint8[n, size, size] and give the same shape and type; fractions are of the image size. What training does too
is done by the same operations (cxr/augmentation/operations.py).
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from cxr.augmentation import operations

Corner = Literal["top left", "top right", "bottom left", "bottom right"]
Mask = npt.NDArray[np.bool_]

# Where the lungs lie when nothing better is known: top, bottom, left, right. The medians of 209 masks
# (covid-chestxray-dataset, annotations/lungVAE-masks); on average 96 % of a mask's area lies inside.
LUNG_BOX = (0.08, 0.88, 0.07, 0.93)


def flipped(pixels: np.ndarray) -> np.ndarray:
    """Mirrored, left to right: the heart changes sides, a pneumonia stays one."""
    return operations.mirrored(pixels)


def shifted(pixels: np.ndarray, right: float, down: float) -> np.ndarray:
    """Moved by those fractions; what comes in repeats the nearest edge pixel, as in training."""
    image_size = pixels.shape[1]
    across = round(right * image_size)
    along = round(down * image_size)
    matrix = operations.translation(across, along)
    margin = max(abs(across), abs(along))
    return np.stack([operations.affine(picture, matrix, margin) for picture in pixels])


def brightened(pixels: np.ndarray, by: float) -> np.ndarray:
    """by: of the whole range, -1 to 1; what leaves the range is cut off."""
    whole_steps = round(by * 255) / 255
    return operations.regraded(pixels, operations.brightness(operations.GREY_LEVELS, whole_steps))


def recompressed(pixels: np.ndarray, quality: int) -> np.ndarray:
    """Through JPEG and back. quality: 1 to 95, as Pillow counts it."""
    return np.stack([operations.jpeg(picture, quality) for picture in pixels])


def marked(pixels: np.ndarray, text: str, corner: Corner) -> np.ndarray:
    """With white text a tenth of the side high, as a radiographer's marker, in one corner."""
    image_size = pixels.shape[1]
    size = max(image_size // 10, 6)
    margin = max(image_size // 40, 1)
    stamp = Image.new("L", (image_size, image_size))
    vertical, horizontal = corner.split()
    at = (margin if horizontal == "left" else image_size - margin, margin if vertical == "top" else image_size - margin)
    anchor = ("l" if horizontal == "left" else "r") + ("t" if vertical == "top" else "b")
    ImageDraw.Draw(stamp).text(at, text, fill=255, font=ImageFont.load_default(size), anchor=anchor)
    return np.maximum(pixels, np.asarray(stamp))


def blacked_out(pixels: np.ndarray, masks: Mask) -> np.ndarray:
    """Black wherever masks, bool[n, size, size] or bool[size, size], are true."""
    return np.where(masks, np.uint8(0), pixels)


def border_only(pixels: np.ndarray, width: float, masks: Mask) -> np.ndarray:
    """Only a frame of that width at the picture's edge, less what `masks` call lung; all else is black."""
    image_size = pixels.shape[1]
    edge = max(round(width * image_size), 1)
    inside = np.zeros((image_size, image_size), bool)
    inside[edge : image_size - edge, edge : image_size - edge] = True
    return blacked_out(pixels, masks | inside)


def lung_boxes(masks: Mask) -> Mask:
    """The smallest upright rectangle around each of bool[n, size, size]: it hides the lungs and their outline.

    An outline blacked out still shows the lungs' size, and that alone tells a child from an adult.
    """
    boxes = np.zeros_like(masks)
    for box, mask in zip(boxes, masks, strict=True):
        rows = np.flatnonzero(mask.any(axis=1))
        columns = np.flatnonzero(mask.any(axis=0))
        if len(rows):
            box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return boxes


def rectangle_masks(count: int, image_size: int) -> Mask:
    """bool[count, size, size]: LUNG_BOX in every picture, for where nobody has segmented the lungs."""
    top, bottom, left, right = (round(part * image_size) for part in LUNG_BOX)
    masks = np.zeros((count, image_size, image_size), bool)
    masks[:, top:bottom, left:right] = True
    return masks


def harmless(
    shift: float, brightness: float, qualities: tuple[int, ...], marker: str
) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """By name, the changes that should leave an answer as it was. shift, brightness: either way."""
    changes: dict[str, Callable[[np.ndarray], np.ndarray]] = {"mirrored": flipped}
    for name, right, down in (("left", -shift, 0.0), ("right", shift, 0.0), ("up", 0.0, -shift), ("down", 0.0, shift)):
        changes[f"moved {name} by {shift:g}"] = _with(shifted, right, down)
    for name, by in (("brighter", brightness), ("darker", -brightness)):
        changes[f"{name} by {brightness:g}"] = _with(brightened, by)
    for quality in qualities:
        changes[f"JPEG quality {quality}"] = _with(recompressed, quality)
    changes[f"marker {marker!r} top right"] = _with(marked, marker, "top right")
    return changes


def _with(change: Callable[..., np.ndarray], *settings: object) -> Callable[[np.ndarray], np.ndarray]:
    """The change with all but its pictures given."""
    return lambda pixels: change(pixels, *settings)
