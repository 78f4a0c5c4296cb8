"""The fingerprint of a test set: two sets of the same images, with the same records, have the same one."""

import csv
import hashlib
import io

from cxr.data.dataset import Split
from cxr.features.row_store import pixel_keys

RECORDS = ("label", "patient", "source", "view", "sex", "age", "finding")  # columns of the index


def fingerprint(test: Split) -> str:
    """sha256 of the images' pixels and of what is measured by; their order and their files' names do not matter."""
    keys = pixel_keys(test.picture, len(test.rows))
    lines = sorted(
        _line([key, *(getattr(row, name) for name in RECORDS)]) for key, row in zip(keys, test.rows, strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _line(cells: list[str]) -> str:
    """One row of a CSV table, in which no cell can run into the next."""
    with io.StringIO(newline="") as text:
        csv.writer(text, lineterminator="\n").writerow(cells)
        return text.getvalue()
