"""What the gate is trained and tested with: the indexed frontal pictures, and the CT slices, lateral views and pictures
of no chest that sources bring beside them.

All pictures of a patient stay on that patient's split, whatever they show.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import numpy as np

from cxr.common.errors import ImageError
from cxr.data.dataset import Dataset
from cxr.data.manifest import OTHER_VIEWS, OtherView, Shown
from cxr.data.settings import SplitParams
from cxr.data.splits import HELD_OUT, split_of_patient
from cxr.imaging.decode import to_pixels
from cxr.inference.gate import FRONTAL, Kind

COLLECTED: tuple[Shown, ...] = OTHER_VIEWS  # kinds that come from sources; those that are made are in `examples`
LEARNED = ("train", "validation")  # the splits whose patients the gate may learn from


@dataclass(frozen=True)
class Columns:
    """Base of a table whose fields are arrays, all equally long."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def where(self, chosen: np.ndarray) -> Self:
        """The chosen rows. chosen: bool[n] or positions."""
        return replace(self, **{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


@dataclass(frozen=True)
class GateDataset(Columns):
    """pictures: uint8[n, size, size]; kind, source, patient and split of each, n long. A split is one of
    SPLITS, or the role ("audit", "external") of a picture that is never trained on."""

    pictures: np.ndarray
    kinds: np.ndarray
    sources: np.ndarray
    patients: np.ndarray
    splits: np.ndarray

    def of(self, kind: Kind, *splits: str) -> "GateDataset":
        return self.where((self.kinds == kind) & np.isin(self.splits, splits))


def frontal_pictures(data: Dataset) -> GateDataset:
    """Every indexed picture that the split kept."""
    kept = [i for i, row in enumerate(data.rows) if row.path in data.split_of]
    rows = [data.rows[i] for i in kept]
    splits = [data.split_of[row.path] for row in rows]
    return GateDataset(
        data.pixels[kept],
        np.full(len(rows), FRONTAL, object),
        np.array([row.source for row in rows], object),
        np.array([row.patient for row in rows], object),
        np.array([row.role if split == HELD_OUT else split for row, split in zip(rows, splits, strict=True)], object),
    )


def other_views(views: Sequence[OtherView], raw: Path, image_size: int, params: SplitParams) -> GateDataset:
    """The pictures that sources name as no frontal view. A file that is gone or cannot be read is passed over."""
    read: list[OtherView] = []
    pictures: list[np.ndarray] = []
    for view in views:
        try:
            pictures.append(to_pixels((raw / view.path).read_bytes(), image_size))
        except (ImageError, FileNotFoundError):
            continue
        read.append(view)
    return GateDataset(
        np.array(pictures, np.uint8).reshape(-1, image_size, image_size),
        np.array([view.shown for view in read], object),
        np.array([view.source for view in read], object),
        np.array([view.patient for view in read], object),
        np.array([split_of_patient(view.patient, params) for view in read], object),
    )


def joined(first: GateDataset, second: GateDataset) -> GateDataset:
    return GateDataset(
        *(
            np.concatenate([getattr(first, name), getattr(second, name)])
            for name in ("pictures", "kinds", "sources", "patients", "splits")
        )
    )
