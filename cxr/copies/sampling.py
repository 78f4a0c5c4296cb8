"""Small pictures, as they are compared, and places in them.

A picture is held as uint8[GRID, GRID], both sides stretched to the same length as in the pixel store, beside its
extent: float[2], height and width in units of its shorter side. Boxes are in these units, from the middle of the
picture, so that a square one shows a square of the original.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from cxr.copies.made import Picture

Floats = npt.NDArray[np.floating]
Indices = npt.NDArray[np.int64]
GRID = 96
_LONGEST = 2.0  # extents beyond are cut off: no chest is longer, and a window must not become a strip


@dataclass(frozen=True)
class SmallPictures:
    """pixels: uint8[n, GRID, GRID]. extents: float64[n, 2], 1 to 2."""

    pixels: np.ndarray
    extents: Floats

    @classmethod
    def of(cls, pictures: Sequence[Picture]) -> "SmallPictures":
        """One after another, so that `pictures` need not fit in memory."""
        pixels = np.empty((len(pictures), GRID, GRID), np.uint8)
        sides = np.ones((len(pictures), 2))
        for i in range(len(pictures)):
            picture = pictures[i]
            pixels[i] = np.asarray(Image.fromarray(picture.pixels).resize((GRID, GRID), Image.Resampling.BILINEAR))
            sides[i] = picture.height, picture.width
        return cls(pixels, np.minimum(sides / sides.min(axis=1, keepdims=True), _LONGEST))

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True)
class Places:
    """start, size: float64[n, 2], down and across, in shares of a picture's sides: the upper left corner, and how large
    it is."""

    start: Floats
    size: Floats

    @classmethod
    def of_boxes(cls, boxes: Floats, extents: Floats) -> "Places":
        """boxes: float[n, 3], as `Windows.boxes` has them. extents: float[n, 2], of their pictures."""
        size = boxes[:, 2:] / extents
        return cls(boxes[:, :2] / extents + 0.5 - size / 2, size)

    @classmethod
    def by_windows(cls, boxes: Floats, extents: Floats, others: Floats, other_extents: Floats) -> "Places":
        """Where second pictures lie on first ones, from a window of each that shows the same. boxes, extents: of the
        first; others, other_extents: of the second."""
        scale = boxes[:, 2:] / others[:, 2:]
        size = scale * other_extents / extents
        return cls((boxes[:, :2] - scale * others[:, :2]) / extents + 0.5 - size / 2, size)

    def at(self, chosen: np.ndarray | slice) -> "Places":
        return Places(self.start[chosen], self.size[chosen])
