"""What body parts other than a chest are drawn of: rods and ovals of tissue and bone, and the film that shows them.

Coordinates: x runs right and y down, -1 to 1 over the picture. Fields are float32[size, size], how much a part
attenuates, 0 = air. The phantoms of cxr/sources/synthetic are drawn in the same way; nothing is imported from there, so
that no change of a source trains the gate anew.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

Field: TypeAlias = npt.NDArray[np.floating]
Point = tuple[float, float]
Rng = np.random.Generator
_CORTEX = 0.45  # of a bone's depth is left where its marrow is


@dataclass(frozen=True, slots=True)
class Grid:
    """x, y: fields, of a picture whose part is moved, turned, mirrored and scaled."""

    x: Field
    y: Field

    @classmethod
    def posed(cls, image_size: int, rng: Rng, *, turn: float, zoom: tuple[float, float]) -> "Grid":
        """turn: standard deviation in radians. zoom: lowest and highest size of the part in the picture."""
        y, x = np.mgrid[-1 : 1 : image_size * 1j, -1 : 1 : image_size * 1j].astype(np.float32)
        angle = rng.normal(0, turn)
        scale = np.float32(1 / rng.uniform(*zoom))
        cos = np.float32(np.cos(angle)) * scale
        sin = np.float32(np.sin(angle)) * scale
        mirror = np.float32(rng.choice([-1, 1]))
        x = x - np.float32(rng.normal(0, 0.12))
        y = y - np.float32(rng.normal(0, 0.12))
        bend = np.float32(0.03)
        return cls(
            mirror * (cos * x + sin * y) + bend * cloud(rng, image_size, 4),
            cos * y - sin * x + bend * cloud(rng, image_size, 4),
        )


def cloud(rng: Rng, image_size: int, cells: int) -> Field:
    """Smooth noise with about `cells` bumps across the picture; mean 0, standard deviation about 0.6."""
    grid = rng.standard_normal((cells + 2, cells + 2)).astype(np.float32)
    return np.asarray(Image.fromarray(grid).resize((image_size, image_size), Image.Resampling.BICUBIC))


def ramp(distance: Field, width: float) -> Field:
    """0 outside (distance < 0) to 1 inside, smooth over `width`."""
    t = np.clip(distance / np.float32(width), 0, 1)
    return t * t * (3 - 2 * t)


def rod(grid: Grid, start: Point, end: Point, radius: float, taper: float = 1.0) -> Field:
    """Depth of a round rod with round ends, 1 in its middle. taper: the end's radius as a part of the start's."""
    along = np.array(end, np.float32) - np.array(start, np.float32)
    dx = grid.x - np.float32(start[0])
    dy = grid.y - np.float32(start[1])
    t = np.clip((dx * along[0] + dy * along[1]) / max(float(along @ along), 1e-6), 0, 1)
    wide = np.float32(radius) * (1 + np.float32(taper - 1) * t)
    return _depth((np.square(dx - t * along[0]) + np.square(dy - t * along[1])) / np.square(wide))


def oval(grid: Grid, centre: Point, half: Point, tilt: float = 0.0) -> Field:
    """Depth of an egg, 1 in its middle."""
    cos = np.float32(np.cos(tilt))
    sin = np.float32(np.sin(tilt))
    dx = grid.x - np.float32(centre[0])
    dy = grid.y - np.float32(centre[1])
    return _depth(
        np.square((cos * dx + sin * dy) / np.float32(half[0])) + np.square((cos * dy - sin * dx) / np.float32(half[1]))
    )


def _depth(squared: Field) -> Field:
    """squared: the distance from the middle, 1 on the outline."""
    return np.sqrt(np.clip(1 - squared, 0, 1))


def hollow(grid: Grid, start: Point, end: Point, radius: float) -> Field:
    """A long bone: a dense wall around marrow, with wider ends."""
    shaft = rod(grid, start, end, radius)
    marrow = rod(grid, start, end, 0.62 * radius)
    ends = np.maximum(*(oval(grid, point, (1.35 * radius, 1.2 * radius)) for point in (start, end)))
    return np.maximum(shaft - np.float32(1 - _CORTEX) * marrow, np.float32(0.75) * ends)


def joined(*depths: Field) -> Field:
    """Tissue that is one: the deepest of its parts."""
    return np.maximum.reduce(depths)


def shell(grid: Grid, centre: Point, half: Point, wall: float) -> Field:
    """A skull's vault seen through: brightest at its rim."""
    outer = oval(grid, centre, half)
    return outer - np.float32(0.85) * oval(grid, centre, (half[0] - wall, half[1] - wall))


def film(attenuation: Field, rng: Rng) -> npt.NDArray[np.uint8]:
    """Window, film curve, blur, noise, and often a diaphragm's edge: uint8[size, size], bone white."""
    image_size = len(attenuation)
    texture = cloud(rng, image_size, 30) * np.float32(rng.uniform(0, 0.03)) * (attenuation > 0)
    seen = attenuation + texture
    bright = max(float(np.percentile(seen, rng.uniform(98, 100))), 1e-3)
    level = np.clip(seen / np.float32(bright), 0, 1) ** np.float32(np.exp(rng.normal(0, 0.3)))
    low = rng.uniform(0, 0.25)
    high = rng.uniform(0.65, 1)
    grey = np.float32(low) + np.float32(high - low) * level
    picture = Image.fromarray((_collimated(grey, rng) * 255).astype(np.uint8))
    blurred = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.001, 0.008) * image_size))
    noisy = np.asarray(blurred, np.float32) + rng.normal(0, rng.uniform(0, 8), (image_size, image_size))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _collimated(grey: Field, rng: Rng) -> Field:
    """Two opposite sides black or white, a third of the time."""
    if rng.random() > 0.35:
        return grey
    image_size = len(grey)
    first, last = (rng.uniform(0, 0.25, 2) * image_size).astype(int)
    kept = np.zeros(image_size, bool)
    kept[first : image_size - last] = True
    inside = kept[None, :] if rng.random() < 0.7 else kept[:, None]
    return np.where(inside, grey, np.float32(rng.choice([0.0, 0.0, 1.0])))
