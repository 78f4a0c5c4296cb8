"""Images of made-up sources, as columns and as pictures whose label can be seen."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cxr.common.labels import COVID, NON_COVID
from cxr.data.dataset import Dataset
from cxr.unseen.plan import EXTERNAL, Images
from tests.labelled import pictures
from tests.rows import image_row

PATIENTS = 8  # of each source and label, in each split
BOTH = (COVID, NON_COVID)


def columns(sources: Mapping[str, tuple[str, ...]], external: Mapping[str, tuple[str, ...]] | None = None) -> Images:
    """By source, its labels: PATIENTS people of each in training and in validation, with one image each."""
    rows = [
        (label, source, f"{source}/{part}-{label}-{number}", part)
        for source, labels in sources.items()
        for part in ("train", "validation")
        for label in labels
        for number in range(PATIENTS)
    ]
    rows += [
        (label, source, f"{source}/{label}-{number}", EXTERNAL)
        for source, labels in (external or {}).items()
        for label in labels
        for number in range(PATIENTS)
    ]
    return Images(*(list(column) for column in zip(*rows, strict=True)))


def dataset(sources: tuple[str, ...], image_size: int = 32, *, external: str = "") -> Dataset:
    """Both labels from every source; a third of the patients in training, validation and test each. COVID is brighter
    in the middle, which is what `tests.tiny` looks at."""
    rows = []
    split_of = {}
    for source in (*sources, external) if external else sources:
        for number in range(6 * PATIENTS):
            path = f"{source}/{number}.png"
            label = BOTH[number // 3 % 2]
            rows.append(image_row(path, source=source, label=label, patient=f"{source}/{number}"))
            split_of[path] = "held_out" if source == external else ("train", "validation", "test")[number % 3]
    store = pictures(len(rows), image_size) // 2
    middle = slice(image_size // 4, -image_size // 4)
    covid = np.array([row.label == COVID for row in rows])
    store[covid, middle, middle] += 60
    return Dataset(rows, split_of, store)


def trunk_of(bundle: Path) -> Path:
    """The folder of a tiny bundle's trunk."""
    return bundle.with_name(bundle.name + ".trunk")
