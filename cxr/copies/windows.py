"""Descriptors of windows, by which pictures that may be copies are found.

A crop of a picture looks like one of its windows. So each picture brings one descriptor for every square window that a
crop of 60 to 100 % could have had in its middle, and asks for the nearest ones to windows in its own middle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from cxr.copies.sampling import GRID, Floats, local_contrast, weights

_SIDES = (1.0, 0.85, 0.72, 0.61)  # of windows, in units of the picture's shorter side
_ASKED = (1.0, 0.93, 0.86)
_STEP = 0.16  # between windows, of their side
_KEPT = 0.6  # the smallest part of a side that a crop keeps
SAMPLES = 12
_REACH = 2


@dataclass(frozen=True)
class Windows:
    """descriptors: float32[n, SAMPLES**2], of length 1. boxes: float32[n, 3], the middle down and across and the side
    of each window, in units of the shorter side, from the picture's middle."""

    descriptors: Floats
    boxes: Floats


def windows_of(picture: Floats, extent: Floats) -> Windows:
    """Of every window that is looked through. picture: float32[GRID, GRID]. extent: float[2]."""
    return _read(picture, extent, [(span, _middles(extent[0], span), _middles(extent[1], span)) for span in _SIDES])


def asked_of(picture: Floats, extent: Floats) -> Windows:
    """Of the windows that are looked for: the largest in the picture's middle, and smaller ones in it and its corners,
    so that one of them meets a window of the other picture well."""
    asked = [(_ASKED[0], np.zeros(1), np.zeros(1))]
    for span in _ASKED[1:]:
        aside = (1 - span) / 2
        asked.append((span, np.zeros(1), np.zeros(1)))
        asked.append((span, np.array([-aside, aside]), np.array([-aside, aside])))
    return _read(picture, extent, asked)


def _middles(length: float, span: float) -> Floats:
    """Where the middle of a crop can lie along a side of `length`, if its shorter side is `span`."""
    furthest = max(min((length - span) / 2, (1 - _KEPT) / 2 * length), 0)
    return np.linspace(-furthest, furthest, 1 + int(np.ceil(2 * furthest / (_STEP * span) - 1e-6)))


def _read(picture: Floats, extent: Floats, wanted: Sequence[tuple[float, Floats, Floats]]) -> Windows:
    steps = (np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5
    found: list[Floats] = []
    boxes: list[tuple[float, float, float]] = []
    for span, down, across in wanted:
        rows, columns = (
            weights((middles[:, None] + span * steps) / length + 0.5, np.full(len(middles), span / length / SAMPLES))
            for middles, length in zip((down, across), extent, strict=True)
        )
        read = rows.reshape(-1, GRID) @ picture @ columns.reshape(-1, GRID).T
        shaped = read.reshape(len(down), SAMPLES, len(across), SAMPLES).transpose(0, 2, 1, 3)
        found.append(shaped.reshape(-1, SAMPLES, SAMPLES))
        boxes.extend((d, a, span) for d, a in product(down, across))
    contrast = local_contrast(np.concatenate(found), _REACH).reshape(len(boxes), -1)
    contrast -= contrast.mean(axis=1, keepdims=True)
    lengths = np.maximum(np.linalg.norm(contrast, axis=1, keepdims=True), 1e-6)
    return Windows((contrast / lengths).astype(np.float32), np.array(boxes, np.float32))
