"""Copies among many pictures: nearest windows are looked up in an index, then the pictures are laid over each other.

The cost grows with the number of pictures: an inverted file (faiss) looks through a few of its lists for each window.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import faiss
import numpy as np

from cxr.common.parallel import map_apart
from cxr.copies.alignment import Placed, correlations
from cxr.copies.made import Picture
from cxr.copies.projection import Projection, described
from cxr.copies.sampling import Floats, extents, small

CORRELATION = 0.86  # from which two pictures are copies; tools/copies_quality.py measures it
_NEIGHBOURS = 40  # windows looked at for each window that is asked for
_CANDIDATES = 10  # pictures that are laid over each one
_PROBES = 16  # lists of the index that are looked through
_TRAINED_ON = 200_000  # windows that the lists are learned from
_COARSE, _FINE = 20, 64  # samples of a side, of a first and a second look
_WORTH_A_LOOK = 0.75  # correlation in the first look that a second one asks for
_CHUNK = 256  # pictures that a process handles at a time
_BLOCK = 128  # pairs that are laid over each other at a time

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Copy:
    """first, second: positions of two pictures, first < second. correlation: of what both show, -1 to 1."""

    first: int
    second: int
    correlation: float


@dataclass(frozen=True)
class DescribedWindows:
    """Of n pictures: the descriptors of all their windows, the windows' boxes, and whose each is; likewise of the
    windows that are asked for. Boxes as in `windows.Windows`."""

    descriptors: Floats
    boxes: Floats
    owners: np.ndarray
    asked: Floats
    asked_boxes: Floats
    askers: np.ndarray


def describe(pictures: Sequence[Picture], projection: Projection) -> DescribedWindows:
    """On all cores."""
    chunks = [pictures[start : start + _CHUNK] for start in range(0, len(pictures), _CHUNK)]
    found = [each for chunk in _spread(partial(_described, projection), chunks, "described") for each in chunk]
    columns = list(zip(*found, strict=True))
    owners, askers = (np.repeat(np.arange(len(found)), [len(part) for part in columns[i]]) for i in (1, 3))
    there, boxes, asked, asked_boxes = (np.concatenate(column) for column in columns)
    return DescribedWindows(there, boxes, owners, asked, asked_boxes, askers)


def _described(projection: Projection, pictures: Sequence[Picture]) -> list[tuple[Floats, Floats, Floats, Floats]]:
    found = [described(picture) for picture in pictures]
    return [
        (projection.of(there.descriptors), there.boxes, projection.of(asked.descriptors), asked.boxes)
        for there, asked in found
    ]


def _spread(work: Callable[[T], R], tasks: Sequence[T], label: str) -> list[R]:
    """On all cores where there is more than one task: to start a process costs more than a small task."""
    return map_apart(work, tasks, label) if len(tasks) > 1 else [work(task) for task in tasks]


@dataclass(frozen=True)
class Candidates:
    """asker, owner: int64[n], positions of pictures. boxes, asked: float32[n, 3], the windows that look alike."""

    asker: np.ndarray
    owner: np.ndarray
    boxes: Floats
    asked: Floats

    def at(self, chosen: slice) -> "Candidates":
        return Candidates(self.asker[chosen], self.owner[chosen], self.boxes[chosen], self.asked[chosen])


def candidates(of: DescribedWindows) -> Candidates:
    """For each picture the ten others whose windows come nearest to one of its own."""
    index = _index(of.descriptors)
    likeness, windows = index.search(of.asked, _NEIGHBOURS)
    question = np.repeat(np.arange(len(of.asked)), _NEIGHBOURS)
    likeness, windows = likeness.ravel(), windows.ravel()
    asker, owner = of.askers[question], of.owners[windows]
    order = np.lexsort((-likeness, asker))
    order = order[(windows[order] >= 0) & (asker[order] != owner[order])]
    pairs = asker[order] * (of.owners[-1] + 1) + owner[order]
    order = order[np.sort(np.unique(pairs, return_index=True)[1])]
    _, starts, counts = np.unique(asker[order], return_index=True, return_counts=True)
    order = order[np.arange(len(order)) - np.repeat(starts, counts) < _CANDIDATES]
    return Candidates(asker[order], owner[order], of.boxes[windows[order]], of.asked_boxes[question[order]])


def _index(descriptors: Floats) -> faiss.Index:
    size = descriptors.shape[1]
    lists = int(4 * np.sqrt(len(descriptors)))
    index: faiss.Index = faiss.IndexFlatIP(size)
    if lists * 40 <= len(descriptors):  # with fewer windows there is too little to learn lists from: look through all
        index = faiss.IndexIVFFlat(index, size, lists, faiss.METRIC_INNER_PRODUCT)
        index.nprobe = _PROBES
        index.train(descriptors[:: max(len(descriptors) // _TRAINED_ON, 1)])
    index.add(descriptors)
    return index


def find_copies(pictures: Sequence[Picture], projection: Projection, correlation: float = CORRELATION) -> list[Copy]:
    """All pairs that correlate at least so well, sorted by position."""
    if len(pictures) < 2:
        return []
    best: dict[tuple[int, int], float] = {}
    for asker, owner, found in confirmed(pictures, candidates(describe(pictures, projection))):
        pair = (min(asker, owner), max(asker, owner))
        best[pair] = max(found, best.get(pair, -1.0))
    return [Copy(*pair, value) for pair, value in sorted(best.items()) if value >= correlation]


def confirmed(pictures: Sequence[Picture], found: Candidates) -> list[tuple[int, int, float]]:
    """Asker, owner and correlation of each candidate that a coarse look does not rule out. On all cores."""
    extent = extents([picture.width for picture in pictures], [picture.height for picture in pictures])
    with TemporaryDirectory() as folder:
        file = Path(folder) / "small.npy"  # that all processes read, so that no picture is handed over twice
        np.save(file, np.stack([small(picture.pixels) for picture in pictures]))
        step = _CHUNK * _CANDIDATES
        chunks = [found.at(slice(start, start + step)) for start in range(0, len(found.asker), step)]
        return [each for chunk in _spread(partial(_confirmed, file, extent), chunks, "compared") for each in chunk]


def _confirmed(file: Path, extent: Floats, found: Candidates) -> list[tuple[int, int, float]]:
    shrunk = np.load(file)
    confirmed: list[tuple[int, int, float]] = []
    for start in range(0, len(found.asker), _BLOCK):
        block = found.at(slice(start, start + _BLOCK))
        placed = Placed.by_windows(block.boxes, extent[block.owner], block.asked, extent[block.asker])
        first, second = shrunk[block.owner].astype(np.float32), shrunk[block.asker].astype(np.float32)
        coarse, placed = correlations(first, second, placed, _COARSE)
        kept = np.flatnonzero(coarse >= _WORTH_A_LOOK)
        if not len(kept):
            continue
        fine, _ = correlations(first[kept], second[kept], placed.at(kept), _FINE)
        confirmed.extend(zip(block.asker[kept].tolist(), block.owner[kept].tolist(), fine.tolist(), strict=True))
    return confirmed
