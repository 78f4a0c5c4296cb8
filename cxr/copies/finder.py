"""Copies among many pictures: nearest windows are looked up in an index, then the pictures are laid over each other.

The cost grows with the number of pictures: an inverted file (faiss) looks through a few of its lists for each window.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np

from cxr.common.parallel import map_parts
from cxr.copies.alignment import Pairs, confirmed
from cxr.copies.made import Picture
from cxr.copies.pair import Copy
from cxr.copies.projection import Projection
from cxr.copies.sampling import Floats, Places, SmallPictures
from cxr.copies.windows import Windows, asked_of, windows_of

_NEIGHBOURS = 40  # windows looked at for each window that is asked for
_CANDIDATES = 10  # pictures that are laid over each one
_PROBES = 16  # lists of the index that are looked through
_LISTS = 4096  # at most: to sort windows into more lists costs more than shorter lists save
_TRAINED_ON = 100  # windows that each list is learned from
_ROUNDS = 8  # of k-means
_PART = 64  # pictures that a thread describes at a time


@dataclass(frozen=True)
class DescribedPictures:
    """Windows and their descriptors, float32[m, k] of length 1."""

    windows: Windows
    descriptors: Floats


def describe(pictures: SmallPictures, projection: Projection) -> tuple[DescribedPictures, DescribedPictures]:
    """The windows that are looked through, and those that are looked for."""

    def part(chosen: slice) -> tuple[DescribedPictures, DescribedPictures]:
        positions = range(chosen.start, chosen.stop)
        both = windows_of(pictures, positions), asked_of(positions)
        there, asked = (DescribedPictures(one, projection.of(one.descriptors(pictures))) for one in both)
        return there, asked

    parts = map_parts(part, len(pictures), _PART, "described")
    there, asked = (_joined(column) for column in zip(*parts, strict=True))
    return there, asked


def _joined(parts: Sequence[DescribedPictures]) -> DescribedPictures:
    boxes = np.concatenate([part.windows.boxes for part in parts])
    owners = np.concatenate([part.windows.owners for part in parts])
    return DescribedPictures(Windows(boxes, owners), np.concatenate([part.descriptors for part in parts]))


def candidates(pictures: SmallPictures, there: DescribedPictures, asked: DescribedPictures) -> Pairs:
    """For each picture, as second, the ten others whose windows come nearest to one of its own."""
    index = _index(there.descriptors)
    likeness, windows = index.search(asked.descriptors, _NEIGHBOURS)
    question = np.repeat(np.arange(len(asked.descriptors)), _NEIGHBOURS)
    likeness, windows = likeness.ravel(), windows.ravel()
    asker, owner = asked.windows.owners[question], there.windows.owners[windows]
    order = np.lexsort((-likeness, asker))
    order = order[(windows[order] >= 0) & (asker[order] != owner[order])]
    pairs = asker[order] * len(pictures) + owner[order]
    order = order[np.sort(np.unique(pairs, return_index=True)[1])]
    _, starts, counts = np.unique(asker[order], return_index=True, return_counts=True)
    order = order[np.arange(len(order)) - np.repeat(starts, counts) < _CANDIDATES]
    first, second = owner[order], asker[order]
    boxes, others = there.windows.boxes[windows[order]], asked.windows.boxes[question[order]]
    places = Places.by_windows(boxes, pictures.extents[first], others, pictures.extents[second])
    return Pairs(first, second, places)


def _index(descriptors: Floats) -> faiss.Index:
    size = descriptors.shape[1]
    lists = min(int(4 * np.sqrt(len(descriptors))), _LISTS)
    index: faiss.Index = faiss.IndexFlatIP(size)
    if lists * 40 <= len(descriptors):  # with fewer windows there is too little to learn lists from: look through all
        index = faiss.IndexIVFFlat(index, size, lists, faiss.METRIC_INNER_PRODUCT)
        index.nprobe = _PROBES
        index.cp.niter = _ROUNDS
        index.train(descriptors[:: max(len(descriptors) // (lists * _TRAINED_ON), 1)])
    index.add(descriptors)
    return index


def find_copies(pictures: SmallPictures, projection: Projection, correlation: float) -> list[Copy]:
    """All pairs that correlate at least so well, sorted by position."""
    if len(pictures) < 2:
        return []
    pairs, found = confirmed(pictures, candidates(pictures, *describe(pictures, projection)))
    best: dict[tuple[int, int], int] = {}
    for i in np.argsort(-found, kind="stable"):
        both = sorted((int(pairs.firsts[i]), int(pairs.seconds[i])))
        best.setdefault((both[0], both[1]), int(i))
    return [_copy(pair, pairs, found, i) for pair, i in sorted(best.items()) if found[i] >= correlation]


def _copy(pair: tuple[int, int], pairs: Pairs, found: Floats, i: int) -> Copy:
    (down, across), (height, width) = pairs.places.start[i].tolist(), pairs.places.size[i].tolist()
    return Copy(*pair, float(found[i]), int(pairs.seconds[i]), (down, across), (height, width))


def learned_and_found(pictures: Sequence[Picture], correlation: float, seed: int) -> list[Copy]:
    """`find_copies` with a projection that is learned from some of the pictures themselves."""
    if len(pictures) < 2:
        return []
    return find_copies(SmallPictures.of(pictures), Projection.learn(pictures, seed), correlation)
