"""What the finder and the sources' records say together: the table of copies, and the counts of its report."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from typing_extensions import TypedDict

from cxr.copies.made import Picture
from cxr.copies.pair import Copy
from cxr.data.copies import BOTH, PICTURES, RECORDS, CopyRow, are_apart, named_copies, pairs_of
from cxr.data.manifest import ImageRow

SWITCHED_OFF = "No copies were looked for by their pictures: that is switched off (params.yaml: copies.enabled)."


class CopiesReport(TypedDict):
    """copies.json. why: in words, why no pictures were compared; "" where they were. correlation: from which two are
    copies. apart: pairs under two names, by what tells of them. within_patients: the other pairs. contradictory: of
    `apart`, those with two labels."""

    images: int
    why: str
    correlation: float
    apart: dict[str, int]
    within_patients: int
    contradictory: int


@dataclass(frozen=True)
class StoredPictures(Sequence[Picture]):
    """The pictures of the pixel store, each read as it is looked at. pixels: memory-mapped uint8[n, size, size]."""

    rows: Sequence[ImageRow]
    pixels: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Picture:  # type: ignore[override]
        return Picture(np.array(self.pixels[i]), self.rows[i].width, self.rows[i].height)


def copy_table(rows: Sequence[ImageRow], found: Iterable[Copy]) -> list[CopyRow]:
    """Sorted by position. found: of the same rows' pictures."""
    by_pictures = {(copy.first, copy.second): copy for copy in found}
    by_records = named_copies(rows)
    return [
        _row(rows[i].path, rows[j].path, by_pictures.get((i, j)), (i, j) in by_records)
        for i, j in sorted(by_records | by_pictures.keys())
    ]


def _row(first: str, second: str, copy: Copy | None, named: bool) -> CopyRow:
    if copy is None:
        return CopyRow(first, second, RECORDS)
    places = (f"{value:.3f}" for value in (*copy.start, *copy.size))
    inner = "first" if copy.inner == copy.first else "second"
    return CopyRow(first, second, BOTH if named else PICTURES, f"{copy.correlation:.3f}", inner, *places)


def copies_report(rows: Sequence[ImageRow], table: Sequence[CopyRow], why: str, correlation: float) -> CopiesReport:
    """why: as in the report."""
    pairs = list(pairs_of(rows, table))
    apart = [(copy.by, *pair) for copy, pair in zip(table, pairs, strict=True) if are_apart(*pair)]
    counts = Counter(by for by, _, _ in apart)
    return {
        "images": len(rows),
        "why": why,
        "correlation": correlation,
        "apart": {by: counts[by] for by in (PICTURES, RECORDS, BOTH)},
        "within_patients": len(pairs) - len(apart),
        "contradictory": sum(first.label != second.label for _, first, second in apart),
    }
