"""Descriptors of windows, by which pictures that may be copies are found.

A crop of a picture looks like one of its windows. So each picture brings one descriptor for every square window that a
crop of 60 to 100 % could have had in its middle, and asks for the nearest ones to windows in its own middle.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from cxr.copies.kernels import descriptors
from cxr.copies.sampling import Floats, Indices, Places, SmallPictures

_SIDES = (1.0, 0.85, 0.72, 0.61)  # of windows, in units of the picture's shorter side
_ASKED = (1.0, 0.93, 0.86)
_STEP = 0.16  # between windows, of their side
_KEPT = 0.6  # the smallest part of a side that a crop keeps
SAMPLES = 12
_REACH = 2


@dataclass(frozen=True)
class Windows:
    """Of some pictures. boxes: float64[m, 3], the middle down and across and the side of each window, in units of the
    shorter side, from the picture's middle. owners: int64[m], whose each is, in rising order."""

    boxes: Floats
    owners: Indices

    def descriptors(self, pictures: SmallPictures) -> Floats:
        """float32[m, SAMPLES**2], of length 1."""
        places = Places.of_boxes(self.boxes, pictures.extents[self.owners])
        return descriptors(pictures.pixels, self.owners, places.start, places.size, SAMPLES, _REACH)


def windows_of(pictures: SmallPictures, chosen: range) -> Windows:
    """Every window of these pictures that is looked through."""
    boxes = [_looked_through(*pictures.extents[i].round(3).tolist()) for i in chosen]
    return Windows(np.concatenate(boxes), np.repeat(np.array(chosen, np.int64), [len(one) for one in boxes]))


def asked_of(chosen: range) -> Windows:
    """The windows of these pictures that are looked for: the largest in the picture's middle, and smaller ones in it
    and its corners, so that one of them meets a window of the other picture well."""
    boxes = _asked()
    return Windows(np.tile(boxes, (len(chosen), 1)), np.repeat(np.array(chosen, np.int64), len(boxes)))


@cache
def _asked() -> Floats:
    aside = {span: (1 - span) / 2 for span in _ASKED[1:]}
    middle = [(0.0, 0.0, span) for span in _ASKED]
    return np.array(middle + [(d, a, span) for span, off in aside.items() for d, a in product((-off, off), repeat=2)])


@cache
def _looked_through(height: float, width: float) -> Floats:
    """Of a picture of this extent."""
    return np.array(
        [(d, a, span) for span in _SIDES for d, a in product(_middles(height, span), _middles(width, span))]
    )


def _middles(length: float, span: float) -> Floats:
    """Where the middle of a crop can lie along a side of `length`, if its shorter side is `span`."""
    furthest = max(min((length - span) / 2, (1 - _KEPT) / 2 * length), 0)
    return np.linspace(-furthest, furthest, 1 + int(np.ceil(2 * furthest / (_STEP * span) - 1e-6)))
