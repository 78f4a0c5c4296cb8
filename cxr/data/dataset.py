"""The images of one split, with their pixels: what training and evaluation work on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from cxr.common.errors import CxrError
from cxr.common.labels import label_index
from cxr.data.manifest import ImageRow, OtherView, read_rows
from cxr.data.pixel_store import read_pixels
from cxr.data.settings import SplitParams
from cxr.data.splits import SPLITS, SplitRow, split_fingerprint, split_of_patient

PatientRow = TypeVar("PatientRow", ImageRow, OtherView)


@dataclass(frozen=True)
class Split:
    """rows: of the index. positions: int64[n], where each stands in the index and in the pixel store.
    store: memory-mapped uint8[all, size, size]."""

    rows: list[ImageRow]
    positions: np.ndarray
    store: np.ndarray

    @property
    def pixels(self) -> np.ndarray:
        """uint8[n, size, size], copied into memory: for splits that fit."""
        return self.store[self.positions]

    def picture(self, i: int) -> np.ndarray:
        """uint8[size, size] of the i-th row, without copying the others."""
        return self.store[self.positions[i]]

    def only(self, kept: Sequence[int] | np.ndarray) -> "Split":
        """The images at these places of the split, in this order."""
        return replace(self, rows=[self.rows[i] for i in kept], positions=self.positions[np.asarray(kept, np.int64)])

    @property
    def y(self) -> np.ndarray:
        """int64[n]: 1 where the label is COVID."""
        return np.array([label_index(row.label) for row in self.rows], np.int64)

    @property
    def patients(self) -> np.ndarray:
        return np.array([row.patient for row in self.rows])


def in_groups(rows: Sequence[PatientRow], group_of: Mapping[str, str]) -> list[PatientRow]:
    return [replace(row, patient=group_of.get(row.patient, row.patient)) for row in rows]


@dataclass(frozen=True)
class Dataset:
    """The index, the split and the pixel store, read together. Every row bears its group as its patient."""

    rows: list[ImageRow]
    split_of: dict[str, str]
    pixels: np.ndarray
    group_of: Mapping[str, str] = field(default_factory=dict)  # by patient, as the index names it

    @classmethod
    def read(cls, index: Path, split: Path, pixels: Path) -> "Dataset":
        rows = read_rows(ImageRow, index)
        store = read_pixels(pixels)
        if len(rows) != len(store):
            raise CxrError(f"{index} has {len(rows)} rows, {pixels} {len(store)} pictures; run `dvc repro`")
        placed = {row.path: row for row in read_rows(SplitRow, split)}
        group_of = {row.patient: placed[row.path].group for row in rows if row.path in placed}
        rows = in_groups(rows, group_of)
        return cls(rows, {path: row.split for path, row in placed.items()}, store, group_of)

    def split_fingerprint(self, params: SplitParams) -> str:
        """`cxr.data.splits.split_fingerprint` of the patients in the split: who is only tested on has no part in it."""
        inside = {row.patient for row in self.rows if self.split_of.get(row.path) in SPLITS}
        return split_fingerprint(params, {one: group for one, group in self.group_of.items() if group in inside})

    def without_test_patients(self, params: SplitParams) -> "Dataset":
        """For what decides: also without their images that are never trained on for their label (role "audit").

        A patient's group tells, as for images in the split. External images stay: no setting trains on their source."""
        kept = {
            row.path: self.split_of[row.path]
            for row in self.rows
            if self.split_of.get(row.path, "test") != "test"
            and (row.role != "audit" or split_of_patient(row.patient, params) != "test")
        }
        return replace(self, split_of=kept)

    def in_groups(self, rows: Sequence[PatientRow]) -> list[PatientRow]:
        """Rows of other tables, each with its patient's group as its patient."""
        return in_groups(rows, self.group_of)

    def split(self, *splits: str) -> Split:
        """The images of the named splits, in the index's order. Raises CxrError where there are none."""
        found = [i for i, row in enumerate(self.rows) if self.split_of.get(row.path) in splits]
        if not found:
            raise CxrError(f"no image is in {' or '.join(splits)}; add patients or change params.yaml: split")
        return Split([self.rows[i] for i in found], np.array(found), self.pixels)


def label_follows_source(rows: Sequence[ImageRow]) -> bool:
    """Whether a source among several carries one label only, so that the source tells the label.

    A model trained on such images can score high without looking at disease, and no score on more images of the
    same sources can show that it does not.
    """
    labels: dict[str, set[str]] = {}
    for row in rows:
        labels.setdefault(row.source, set()).add(row.label)
    return len(labels) > 1 and any(len(found) == 1 for found in labels.values())
