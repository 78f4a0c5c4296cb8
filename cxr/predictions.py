"""The answers on one side of the split, image by image: what metrics, plots and the audit are computed from."""

from dataclasses import dataclass

from cxr.dataset import Side


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """path, patient, source, label: of the index. p_covid: calibrated, as text that keeps every digit."""

    path: str
    patient: str
    source: str
    label: str
    p_covid: str


def prediction_rows(side: Side, p_covid) -> list[PredictionRow]:
    """One row per image of `side`; p_covid: float64[n]."""
    return [
        PredictionRow(row.path, row.patient, row.source, row.label, repr(float(p)))
        for row, p in zip(side.rows, p_covid, strict=True)
    ]
