"""What the gate is shown: random versions of the pictures that sources bring, and what none of them brings.

The latter are inverted, turned and partial pictures, made of the training patients' own, and drawings and photographs.

An example depends only on the seed, its kind, its number and its picture. So all gates share one set of examples; those
of the cross-validation leave some of them out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Literal, NamedTuple, get_args

import numpy as np

from cxr.augmentation.settings import StrongParams
from cxr.augmentation.strong import strong_view
from cxr.common.parallel import map_in_order
from cxr.gate.body_parts import BODY_PARTS
from cxr.gate.dataset import COLLECTED, LEARNED, Columns, GateDataset
from cxr.gate.settings import GateParams
from cxr.gate.synthetic_negatives import DRAWINGS, PHOTOS_TO_LEARN, nth, photo_part, photographs
from cxr.imaging.decode import resize
from cxr.inference.gate import FRONTAL, Kind
from cxr.inference.gate import SIDE as THUMBNAIL

SIDE = 96  # pixels of the pictures that are changed: enough for a thumbnail of a third of that
_FRAMED = 0.15  # of the pictures get a white or black frame on some sides, as collimation and scanners leave
_WIDEST_FRAME = 0.15
_PHOTO_SHARE = 0.25  # of the pictures that are no X-ray
_SHUFFLED_SHARE = 0.2
_PART_SIDE = 48  # pixels of a body part's drawing, which costs most

Rng = np.random.Generator
Way = Literal["frontal", "inverted", "misplaced", "shuffled", "ct", "lateral", "photo", "drawing", "body_part", "other"]
_NUMBER_OF: dict[Way, int] = {way: i for i, way in enumerate(get_args(Way))}
_KIND_OF: dict[Way, Kind] = {
    "frontal": "frontal",
    "inverted": "inverted",
    "misplaced": "misplaced",
    "shuffled": "other",
    "ct": "ct",
    "lateral": "lateral",
    "photo": "other",
    "drawing": "other",
    "body_part": "other",
    "other": "other",
}


class _Task(NamedTuple):
    """One example to make. picture: uint8[SIDE, SIDE], or None where it is made from nothing. position: of the
    picture in the dataset, -1 for none."""

    way: Way
    number: int
    picture: np.ndarray | None
    position: int


@dataclass(frozen=True)
class GateExamples(Columns):
    """thumbnails: uint8[n, s, s] as the gate sees them. kinds: (n,), what each shows. patients: (n,), of the
    picture that it was made of, "" where there was none."""

    thumbnails: np.ndarray
    kinds: np.ndarray
    patients: np.ndarray


def draw_examples(dataset: GateDataset, params: GateParams) -> GateExamples:
    """`params.versions` of each kind that there is a picture of, frontal ones twice as many.

    They are made of training and validation patients' pictures alone: test patients decide nothing, and the threshold
    is chosen by gates that leave some of these patients out.
    """
    tasks = [*_of_frontal(dataset, params), *_of_collected(dataset, params), *_of_nothing(params)]
    work = partial(_made, augmentation=params.augmentation, seed=params.seed)
    thumbnails = np.stack(list(map_in_order(work, tasks, len(tasks), "gate examples")))
    positions = np.array([task.position for task in tasks])
    patients = dataset.patients[positions].copy()
    patients[positions < 0] = ""
    return GateExamples(thumbnails, np.array([_KIND_OF[task.way] for task in tasks], object), patients)


def _of_frontal(dataset: GateDataset, params: GateParams) -> Iterator[_Task]:
    """Each source as often as any other."""
    learned = np.flatnonzero((dataset.kinds == FRONTAL) & (np.isin(dataset.splits, LEARNED)))
    counts: dict[Way, int] = {"frontal": 2 * params.versions, "inverted": params.versions}
    counts |= {"misplaced": params.versions, "shuffled": int(_SHUFFLED_SHARE * params.versions)}
    chosen = _balanced(dataset.sources[learned], sum(counts.values()), np.random.default_rng(params.seed))
    small = {i: resize(dataset.pictures[i], SIDE) for i in learned[np.unique(chosen)]}
    waiting = iter(learned[chosen].tolist())
    for way, count in counts.items():
        for number, position in zip(range(count), waiting, strict=False):
            yield _Task(way, number, small[position], position)


def _of_collected(dataset: GateDataset, params: GateParams) -> Iterator[_Task]:
    """Each picture as often as any other of its kind."""
    for kind in COLLECTED:
        found = np.flatnonzero((dataset.kinds == kind) & np.isin(dataset.splits, LEARNED))
        small = [resize(dataset.pictures[i], SIDE) for i in found]
        for number in range(params.versions if len(found) else 0):
            yield _Task(kind, number, small[number % len(found)], int(found[number % len(found)]))


def _of_nothing(params: GateParams) -> Iterator[_Task]:
    photographed = int(_PHOTO_SHARE * params.versions)
    shuffled_ones = int(_SHUFFLED_SHARE * params.versions)
    drawn = params.versions - photographed - shuffled_ones
    yield from (_Task("photo", number, None, -1) for number in range(photographed))
    yield from (_Task("drawing", number, None, -1) for number in range(drawn))
    yield from (_Task("body_part", number, None, -1) for number in range(params.versions))


def _balanced(sources: np.ndarray, count: int, rng: Rng) -> np.ndarray:
    """`count` positions, each source as often as any other: a large one must not set the standard alone."""
    names = sorted(set(sources))
    picked = [rng.choice(np.flatnonzero(sources == name), count // len(names) + 1) for name in names]
    return rng.permutation(np.concatenate(picked))[:count]


def _made(task: _Task, *, augmentation: StrongParams, seed: int) -> np.ndarray:
    """uint8[THUMBNAIL, THUMBNAIL]."""
    rng = np.random.default_rng((seed, _NUMBER_OF[task.way], task.number))
    if task.way == "photo":
        return resize(_photo(task.number, rng), THUMBNAIL)
    if task.way == "body_part":
        return resize(_body_part(task.number, seed), THUMBNAIL)
    if task.picture is None:
        return resize(nth(DRAWINGS, task.number)(SIDE, rng), THUMBNAIL)
    if task.way == "shuffled":
        return resize(shuffled(task.picture, rng), THUMBNAIL)
    picture = _framed(strong_view(task.picture, augmentation, rng), rng)
    if task.way == "inverted":
        picture = 255 - picture
    elif task.way == "misplaced":
        picture = misplaced(picture, rng)
    return resize(picture, THUMBNAIL)


def _body_part(number: int, seed: int) -> np.ndarray:
    """Each drawing as it is, mirrored, upside down, and both: a limb may lie in any way."""
    drawing, way = divmod(number, 4)
    picture = _drawn_body_part(drawing, seed)
    return np.ascontiguousarray(picture[:: -1 if way > 1 else 1, :: -1 if way % 2 else 1])


@lru_cache(
    maxsize=1
)  # the four ways of a drawing are asked for one after the other, and drawing is what takes the time
def _drawn_body_part(drawing: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng((seed, _NUMBER_OF["body_part"], drawing))
    return nth(BODY_PARTS, drawing)(_PART_SIDE, rng)


def _photo(number: int, rng: Rng) -> np.ndarray:
    """Each photograph whole first, then parts of them in turn."""
    known = _photographs()
    if number < len(known):
        return resize(known[number], SIDE)
    return photo_part(known[number % len(known)], SIDE, rng)


@cache
def _photographs() -> list[np.ndarray]:
    return photographs(PHOTOS_TO_LEARN)


def _framed(picture: np.ndarray, rng: Rng) -> np.ndarray:
    if rng.random() > _FRAMED:
        return picture
    image_size = len(picture)
    top, bottom, left, right = rng.integers(0, int(_WIDEST_FRAME * image_size) + 1, 4)
    framed = np.full_like(picture, rng.choice([0, 255]))
    framed[top : image_size - bottom, left : image_size - right] = picture[
        top : image_size - bottom, left : image_size - right
    ]
    return framed


def misplaced(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """A frontal uint8[size, size] turned by a quarter, a half or three quarters, or a part of it that is no chest."""
    way = int(rng.integers(0, 4))
    return np.ascontiguousarray(np.rot90(picture, way)) if way else part_of(picture, rng)


def part_of(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """A square of a quarter to two fifths of the image size, stretched to the whole."""
    image_size = len(picture)
    size = int(rng.uniform(0.25, 0.4) * image_size)
    top, left = rng.integers(0, image_size - size, 2)
    return resize(np.ascontiguousarray(picture[top : top + size, left : left + size]), image_size)


def shuffled(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """The parts of an X-ray in another order: its texture without its layout."""
    image_size = len(picture)
    cells = int(rng.integers(3, 6))  # 2 x 2 may look like a chest again
    size = image_size // cells
    order = rng.permutation(cells * cells)
    tiles = [picture[i // cells * size :, i % cells * size :][:size, :size] for i in order]
    rows = [np.concatenate(tiles[start : start + cells], axis=1) for start in range(0, len(tiles), cells)]
    return resize(np.ascontiguousarray(np.concatenate(rows)), image_size)
