"""The answers on one split, image by image: what metrics, plots and the audit are computed from."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cxr.common.errors import CxrError
from cxr.data.dataset import Split
from cxr.data.manifest import read_rows, write_rows


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """path, patient, source, label: of the index. p_covid: calibrated, as text that keeps every digit."""

    path: str
    patient: str
    source: str
    label: str
    p_covid: str


def write_predictions(split: Split, p_covid: Iterable[float], path: Path) -> None:
    """One row per image of `image_size`, in its order; p_covid: (n,) in [0, 1]."""
    rows = (
        PredictionRow(row.path, row.patient, row.source, row.label, repr(float(p)))
        for row, p in zip(split.rows, p_covid, strict=True)
    )
    write_rows(rows, PredictionRow, path)


def read_probabilities(path: Path, split: Split) -> np.ndarray:
    """float64[n], what `write_predictions` wrote for `image_size`. Raises CxrError where it is about other images."""
    rows = read_rows(PredictionRow, path)
    if [row.path for row in rows] != [row.path for row in split.rows]:
        raise CxrError(f"{path} is not about the present images; run `dvc repro`")
    return np.array([float(row.p_covid) for row in rows])
