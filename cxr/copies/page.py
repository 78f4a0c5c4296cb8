"""copies.html: every pair that joins two names, side by side, so that a person can see whether they are copies.

It shows patients' pictures and ids: it stays in the workspace, and no record of a run holds it.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cxr.common.html import html_template
from cxr.copies.table import CopiesReport
from cxr.data.copies import BOTH, PICTURES, RECORDS, CopyRow, are_apart, pairs_of
from cxr.data.manifest import ImageRow
from cxr.imaging.preview import as_jpeg

TOLD_BY = {PICTURES: "the pictures", RECORDS: "the sources' records", BOTH: "the pictures and the sources' records"}
_TEMPLATES = Path(__file__).with_name("templates")
_LONGEST = 200  # pixels of a thumbnail's longer side
_QUALITY = 70  # of its JPEG


def copies_page(rows: Sequence[ImageRow], table: Sequence[CopyRow], pixels: np.ndarray, report: CopiesReport) -> str:
    """One HTML file without any address. pixels: uint8[n, size, size], of the rows."""
    template = html_template(_TEMPLATES, "copies.html.j2")
    return template.render(report=report, told_by=TOLD_BY, pairs=list(_pairs(rows, table, pixels)))


def _pairs(rows: Sequence[ImageRow], table: Sequence[CopyRow], pixels: np.ndarray) -> Iterator[Mapping[str, Any]]:
    position = {row.path: i for i, row in enumerate(rows)}
    for copy, pair in zip(table, pairs_of(rows, table), strict=True):
        if are_apart(*pair):
            sides = [
                {"row": row, "picture": _thumbnail(pixels[position[row.path]], row), "frame": frame}
                for row, frame in zip(pair, _frames(copy), strict=True)
            ]
            yield {"told": copy, "sides": sides, "labels_differ": pair[0].label != pair[1].label}


def _frames(copy: CopyRow) -> tuple[str, str]:
    """Where the inner picture lies on the outer one, as a style, for the outer one; "" for the inner one."""
    if not copy.inner:
        return "", ""
    places = ("top", "left", "height", "width")
    frame = ";".join(f"{name}:{float(getattr(copy, name)):.1%}" for name in places)
    return ("", frame) if copy.inner == "first" else (frame, "")


def _thumbnail(pixels: np.ndarray, row: ImageRow) -> str:
    """A data URI, in the shape of the original."""
    scale = _LONGEST / max(row.width, row.height)
    shape = (max(round(row.width * scale), 1), max(round(row.height * scale), 1))
    return as_jpeg(Image.fromarray(np.asarray(pixels)).resize(shape, Image.Resampling.BILINEAR), _QUALITY)
