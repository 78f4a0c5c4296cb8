"""Whether two pictures show the same: one is laid over the other, and their local contrasts are correlated.

The place where to begin comes from two windows that look alike. From there shift and scale are refined by Gauss-Newton
steps (Baker & Matthews 2004: inverse compositional), for many pairs at a time.
"""

from dataclasses import dataclass

import numpy as np

from cxr.copies.sampling import Floats, local_contrast, weights

_REACH = 0.1  # of the second picture's sides: how far local contrast looks
_STEPS = 6
_SMALLEST_OVERLAP = 0.5  # of the second picture: a correlation over less may be chance


@dataclass(frozen=True)
class Placed:
    """Where the second pictures lie on the first ones. start, size: float64[n, 2], down and across, in shares of the
    first picture's sides: where the second's upper left corner lies, and how large it is."""

    start: Floats
    size: Floats

    @classmethod
    def by_windows(cls, boxes: Floats, extents: Floats, others: Floats, other_extents: Floats) -> "Placed":
        """From a window of each pair that shows the same. boxes, others: float[n, 3], as `Windows.boxes` has them;
        extents: float[n, 2]."""
        scale = (boxes[:, 2] / others[:, 2])[:, None]
        middle = boxes[:, :2] - scale * others[:, :2]
        size = scale * other_extents / extents
        return cls(middle / extents + 0.5 - size / 2, size)

    def at(self, chosen: np.ndarray) -> "Placed":
        return Placed(self.start[chosen], self.size[chosen])


def correlations(first: Floats, second: Floats, placed: Placed, samples: int) -> tuple[Floats, Placed]:
    """float64[n], -1 to 1, of the parts that both pictures show, and where they show them; -1 where that is less than
    half of the second. first, second: float32[n, GRID, GRID]. samples: that each side of the second is compared at."""
    reach = max(round(_REACH * samples), 1)
    steps = (np.arange(samples) + 0.5) / samples
    whole = weights(steps, 1 / samples)
    aim = local_contrast(whole @ second @ whole.T, reach)
    slopes, solve = _slopes(aim, steps - 0.5)
    best, found = np.full(len(first), -1.0), placed
    for step in range(_STEPS + 1):
        seen, mask = _seen(first, placed, steps, reach)
        now = _correlation(aim, seen, mask)
        better = (now > best)[:, None]
        best = np.maximum(now, best)
        found = Placed(np.where(better, placed.start, found.start), np.where(better, placed.size, found.size))
        if step < _STEPS:
            wrong = ((seen - aim) * mask).reshape(len(aim), -1, 1)
            placed = _moved(placed, (solve @ (slopes @ wrong))[..., 0])
    return best, found


def _slopes(aim: Floats, offsets: Floats) -> tuple[Floats, Floats]:
    """How the aim changes with each of four numbers (start and size, down and across): float32[n, 4, samples**2];
    and what turns their products with an error into a step: float64[n, 4, 4]."""
    down, across = (np.gradient(aim, offsets[1] - offsets[0], axis=axis) for axis in (1, 2))
    slopes = np.stack([down, down * offsets[:, None], across, across * offsets], axis=1).astype(np.float32)
    flat = slopes.reshape(len(aim), 4, -1)
    normal = (flat @ flat.transpose(0, 2, 1)).astype(np.float64)
    normal += np.eye(4) * (1e-3 * normal.trace(axis1=1, axis2=2)[:, None, None] / 4 + 1e-6)
    return flat, np.linalg.inv(normal)


def _seen(first: Floats, placed: Placed, steps: Floats, reach: int) -> tuple[Floats, np.ndarray]:
    """The first pictures' local contrast where the second ones lie, and which samples are inside them."""
    centres = placed.start[:, :, None] + placed.size[:, :, None] * steps
    shares = weights(centres, placed.size / len(steps))
    rows, columns = shares[:, 0], shares[:, 1]
    inside = (centres >= 0) & (centres <= 1)
    mask = inside[:, 0, :, None] & inside[:, 1, None, :]
    return local_contrast(rows @ first @ columns.transpose(0, 2, 1), reach), mask


def _correlation(aim: Floats, seen: Floats, mask: np.ndarray) -> Floats:
    count = mask.sum(axis=(1, 2))
    share = np.maximum(count, 1)[:, None, None]
    left = np.where(mask, aim - (aim * mask).sum(axis=(1, 2), keepdims=True) / share, 0)
    right = np.where(mask, seen - (seen * mask).sum(axis=(1, 2), keepdims=True) / share, 0)
    both = np.sqrt((left**2).sum(axis=(1, 2)) * (right**2).sum(axis=(1, 2)))
    found = (left * right).sum(axis=(1, 2)) / np.maximum(both, 1e-6)
    return np.where(count >= _SMALLEST_OVERLAP * aim[0].size, found, -1.0)


def _moved(placed: Placed, step: Floats) -> Placed:
    """Laid over anew, where each second picture should have been `step` further: at most a tenth of it at once."""
    shift, stretch = np.clip(step[:, ::2], -0.1, 0.1), np.clip(step[:, 1::2], -0.1, 0.1)
    size = placed.size / (1 + stretch)
    middle = placed.start + placed.size / 2 - size * shift
    return Placed(middle - size / 2, size)
