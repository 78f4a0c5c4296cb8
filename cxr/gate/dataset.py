"""What the gate is trained and tested with: the indexed frontal pictures, and those that the index left out.

covid-chestxray-dataset brings CT slices and lateral views. A patient's pictures stay on the patient's split of the
split, whatever they show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

import numpy as np

from cxr.common.errors import ImageError
from cxr.data.dataset import Dataset
from cxr.data.manifest import RejectedRow
from cxr.data.settings import SplitParams
from cxr.data.splits import HELD_OUT, split_of_patient
from cxr.imaging.decode import to_pixels
from cxr.inference.gate import FRONTAL, Kind
from cxr.sources.covid_patients import patients_by_path

Collected = Literal["ct", "lateral"]
COLLECTED: tuple[Collected, ...] = get_args(Collected)
# Why the index left a picture out, with the detail it recorded, to what the picture is.
LEFT_OUT: dict[tuple[str, str], Collected] = {
    ("not_xray", "CT"): "ct",
    ("not_frontal", "L"): "lateral",
    ("not_frontal", "Lateral"): "lateral",
}


@dataclass(frozen=True)
class GateDataset:
    """pictures: uint8[n, size, size]; kind, source, patient and split of each, n long. A side is one of
    SPLITS, or the role ("audit", "external") of a picture that is never trained on."""

    pictures: np.ndarray
    kinds: np.ndarray
    sources: np.ndarray
    patients: np.ndarray
    splits: np.ndarray

    def __len__(self) -> int:
        return len(self.kinds)

    def where(self, chosen: np.ndarray) -> "GateDataset":
        """chosen: bool[n] or positions."""
        parts = (self.kinds, self.sources, self.patients, self.splits)
        return GateDataset(self.pictures[chosen], *(part[chosen] for part in parts))

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


def other_views(rejected: Sequence[RejectedRow], raw: Path, image_size: int, params: SplitParams) -> GateDataset:
    """The CT slices and lateral views among the pictures that the index left out; those that can not be read are
    passed over."""
    pictures: list[np.ndarray] = []
    found: list[tuple[Kind, str, str]] = []
    patients: dict[str, dict[str, str]] = {}
    for row in rejected:
        kind = LEFT_OUT.get((row.reason, row.detail))
        if kind is None or not (raw / row.path).is_file():  # CT volumes are named, but not downloaded
            continue
        if row.source not in patients:
            patients[row.source] = patients_by_path(raw / row.source)
        try:
            pictures.append(to_pixels((raw / row.path).read_bytes(), image_size))
        except ImageError:
            continue
        inner = PurePosixPath(row.path).relative_to(row.source).as_posix()
        found.append((kind, row.source, f"{row.source}/{patients[row.source][inner]}"))
    kinds, sources, ids = (np.array([item[i] for item in found], object) for i in range(3))
    splits = np.array([split_of_patient(patient, params) for patient in ids], object)
    return GateDataset(np.array(pictures, np.uint8).reshape(-1, image_size, image_size), kinds, sources, ids, splits)


def joined(first: GateDataset, second: GateDataset) -> GateDataset:
    return GateDataset(
        *(
            np.concatenate([getattr(first, name), getattr(second, name)])
            for name in ("pictures", "kinds", "sources", "patients", "splits")
        )
    )
