"""Where the lungs are in a frontal chest X-ray: a small exported network and numpy, no TensorFlow and no SciPy.

Two questions need it: how well a score separates the classes when the lungs are blacked out, and how much of a
heat map lies inside them. Trained by cxr/lungs/train.py.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from cxr.common.errors import UnsoundError
from cxr.imaging.decode import resize
from cxr.inference.engine import Trunk
from cxr.inference.precision import Precision

FILE = "lungs.xml"
# The same network for Keras (cxr/networks/unet.py).
WEIGHTS = "lungs.weights.h5"
SHAPE = "network.json"
LUNG_SHARE = 0.5  # of a heat map inside the lungs: an answer is warned of below it
LUNGS = 2  # as many components as are kept: a third one is never a lung
_ROUNDING = 1e-3  # by which a probability may leave 0 to 1
_BATCH = 32  # pictures in memory at once as float32 maps

Mask = npt.NDArray[np.bool_]


class LungSegmenter:
    """A compiled segmenter. network: uint8[n, s, s] to the probability of lung, float32[n, s, s, 1]."""

    def __init__(self, network: Trunk):
        self.network = network

    @classmethod
    def load(
        cls, path: Path, precision: Precision = "f32", *, latency: bool = False, threads: int | None = None
    ) -> "LungSegmenter":
        """path: of the exported lungs.xml. latency, threads: as `cxr.inference.engine.Trunk` takes them. Raises
        ModelError where it is not a readable model."""
        return cls(Trunk(path, precision, latency=latency, threads=threads))

    @classmethod
    def load_if_trained(
        cls, directory: Path, precision: Precision = "f32", *, latency: bool = False, threads: int | None = None
    ) -> "LungSegmenter | None":
        """The segmenter in `directory`, of the lungs stage or a bundle; None where there were no masks to learn."""
        path = directory / FILE
        return cls.load(path, precision, latency=latency, threads=threads) if path.is_file() else None

    def masks(self, pixels: np.ndarray, progress: Callable[[int], object] = lambda n: None) -> Mask:
        """The lungs as bool[n, size, size] of pictures uint8[n, size, size], of any side.

        What is found is cleaned: the largest two components, their holes filled. progress: called with images done.
        """
        masks = np.empty(pixels.shape, bool)
        for start in range(0, len(pixels), _BATCH):
            batch = pixels[start : start + _BATCH]
            for i, lung in enumerate(self.probabilities(batch), start):
                masks[i] = clean(_stretched(lung, pixels.shape[1]) >= 0.5)
            progress(len(batch))
        return masks

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """float32[n, s, s] at the network's own side s, of pictures uint8[n, size, size]. Raises UnsoundError where one
        is none."""
        small = np.stack([resize(picture, self.network.image_size) for picture in pixels])
        found = self.network.feature_maps(small)[..., 0]
        if not ((found > -_ROUNDING) & (found < 1 + _ROUNDING)).all():  # NaN is neither
            raise UnsoundError("the lung segmenter gave a number that is no probability")
        return found


def share_inside(mask: Mask, weights: np.ndarray) -> float | None:
    """How much of weights >= 0, float64[h, w] over the whole picture, lies inside bool[size, size]: 0 to 1.

    A weight counts by the part of its field, the picture's h by w cells, that the mask covers. None where the mask
    or the weights are empty.
    """
    rows, columns = weights.shape
    total = float(weights.sum())
    if total == 0 or not mask.any():
        return None
    covered = Image.fromarray(mask.astype(np.float32)).resize((columns, rows), Image.Resampling.BOX)
    return float((weights * np.clip(np.asarray(covered), 0, 1)).sum() / total)


def dice(a: Mask, b: Mask) -> float:
    """2 |A and B| / (|A| + |B|), 0 to 1 (Dice 1945); 1 where both are empty."""
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0


def clean(mask: Mask) -> Mask:
    """The largest two components of bool[h, w], without holes. Components touch by their edges."""
    return fill_holes(largest_components(mask, LUNGS))


def largest_components(mask: Mask, count: int) -> Mask:
    """Only the `count` components of bool[h, w] with the most pixels; of equal ones the upper."""
    labels = components(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0  # the background
    kept = np.argsort(-sizes, kind="stable")[:count]
    return np.isin(labels, kept[sizes[kept] > 0])


def fill_holes(mask: Mask) -> Mask:
    """bool[h, w] with every part of the background that does not reach the picture's border filled."""
    outside = np.pad(~mask, 1, constant_values=True)  # one component, whichever borders the mask touches
    labels = components(outside)
    return (labels != labels[0, 0])[1:-1, 1:-1]


def components(mask: Mask) -> npt.NDArray[np.int64]:
    """int64[h, w]: 0 outside the mask, 1, 2, … in each 4-connected component, in reading order.

    Runs of a row are joined with the runs of the row above that they overlap (union-find): a mask of a lung has
    a few runs a row, so this takes milliseconds without SciPy.
    """
    rows, starts, stops = _runs(mask)
    parents = list(range(len(rows)))
    for upper, lower in _touching(rows, starts, stops):
        a = _root(parents, upper)
        b = _root(parents, lower)
        parents[max(a, b)] = min(a, b)
    numbers = np.unique([_root(parents, i) for i in range(len(rows))], return_inverse=True)[1] + 1
    labels = np.zeros(mask.shape, np.int64)
    for row, start, stop, number in zip(rows, starts, stops, numbers, strict=True):
        labels[row, start:stop] = number
    return labels


def _runs(mask: Mask) -> tuple[list[int], list[int], list[int]]:
    """Row, first column and column after the last of every unbroken stretch of a row, in reading order."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    return rows.tolist(), starts.tolist(), np.nonzero(edges == -1)[1].tolist()


def _touching(rows: list[int], starts: list[int], stops: list[int]) -> list[tuple[int, int]]:
    """Pairs (upper, lower) of runs in neighbouring rows that share a column: one sweep down, two pointers."""
    pairs = []
    upper = 0
    for lower, row in enumerate(rows):
        while rows[upper] < row - 1 or (rows[upper] == row - 1 and stops[upper] <= starts[lower]):
            upper += 1
        other = upper
        while rows[other] == row - 1 and starts[other] < stops[lower]:
            pairs.append((other, lower))
            other += 1
    return pairs


def _root(parents: list[int], i: int) -> int:
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i


def _stretched(probability: np.ndarray, image_size: int) -> np.ndarray:
    """float32[s, s] to float32[size, size], bilinear."""
    return np.asarray(Image.fromarray(probability).resize((image_size, image_size), Image.Resampling.BILINEAR))
