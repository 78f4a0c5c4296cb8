"""Who the images are of: counts by split, sex, age and view, from the index."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np

from cxr.common.labels import CLASSES
from cxr.data.manifest import ImageRow
from cxr.data.splits import HELD_OUT, SPLITS

NOT_RECORDED = "not recorded"


class Ages(TypedDict):
    """Median and quartiles in years, over the patients of whom the age is recorded; None where it is of none."""

    patients: int
    median: float | None
    q1: float | None
    q3: float | None


class Described(TypedDict):
    """labels, views: images by name. sexes, sources: patients by name. labels_by_source: images by source, then by
    label."""

    images: int
    patients: int
    labels: dict[str, int]
    views: dict[str, int]
    sexes: dict[str, int]
    sources: dict[str, int]
    labels_by_source: dict[str, dict[str, int]]
    age: Ages


def cohort(rows: Sequence[ImageRow], split_of: Mapping[str, str]) -> dict[str, Described]:
    """By split that has images: what `describe` gives."""
    splits = {split: [row for row in rows if split_of.get(row.path) == split] for split in (*SPLITS, HELD_OUT)}
    return {split: describe(of_split) for split, of_split in splits.items() if of_split}


def describe(rows: Sequence[ImageRow]) -> Described:
    """Counts images and patients by what the index says of them."""
    return {
        "images": len(rows),
        "patients": len({row.patient for row in rows}),
        "labels": {label: sum(row.label == label for row in rows) for label in CLASSES},
        "views": _counted([row.view for row in rows]),
        "sexes": _counted(list(_known(rows, "sex").values())),
        "sources": _counted(list(_known(rows, "source").values())),
        "labels_by_source": _labels_by_source(rows),
        "age": _ages(rows),
    }


def _known(rows: Sequence[ImageRow], column: str) -> dict[str, str]:
    """Each patient's first value of the column that is not empty, or ""."""
    found: dict[str, str] = {}
    for row in rows:
        found[row.patient] = found.get(row.patient) or getattr(row, column)
    return found


def _counted(values: Sequence[str]) -> dict[str, int]:
    names = sorted(set(values) - {""})
    counts = {name: values.count(name) for name in names}
    return counts | ({NOT_RECORDED: values.count("")} if "" in values else {})


def _ages(rows: Sequence[ImageRow]) -> Ages:
    ages = [float(age) for age in _known(rows, "age").values() if age]
    if not ages:
        return {"patients": 0, "median": None, "q1": None, "q3": None}
    q1, median, q3 = (float(value) for value in np.quantile(ages, (0.25, 0.5, 0.75)))
    return {"patients": len(ages), "median": median, "q1": q1, "q3": q3}


def _labels_by_source(rows: Sequence[ImageRow]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        labels = found.setdefault(row.source, {})
        labels[row.label] = labels.get(row.label, 0) + 1
    return dict(sorted(found.items()))
