"""The pixel store: every indexed image decoded and resized once, uint8[n, side, side], in the index's order."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from cxr.errors import CxrError, ImageError
from cxr.files import replace_when_complete, reserve
from cxr.images import to_pixels
from cxr.manifest import ImageRow
from cxr.parallel import map_in_order


def write_pixels(rows: Sequence[ImageRow], raw: Path, side: int, path: Path) -> None:
    """Decode on all cores and write as a memory map, so that memory stays constant. Raises CxrError where a
    file is no longer what the index saw."""
    with replace_when_complete(path) as unfinished:
        store = np.lib.format.open_memmap(unfinished, "w+", np.uint8, (len(rows), side, side))
        with unfinished.open("r+b") as handle:
            reserve(handle, unfinished.stat().st_size)
        files = [raw / row.path for row in rows]
        for i, pixels in enumerate(map_in_order(partial(_decode, side=side), files, len(files), "pixels")):
            store[i] = pixels
        store.flush()


def _decode(file: Path, side: int) -> np.ndarray:
    try:
        return to_pixels(file.read_bytes(), side)
    except (ImageError, FileNotFoundError) as fault:
        raise CxrError(f"{file} has changed since it was indexed ({fault}); run `dvc repro` again") from None


def read_pixels(path: Path) -> np.ndarray:
    """Memory-mapped uint8[n, side, side], read-only."""
    try:
        return np.load(path, mmap_mode="r")
    except FileNotFoundError:
        raise CxrError(f"{path} is missing; `dvc repro` makes it") from None
    except (EOFError, ValueError) as fault:
        raise CxrError(f"{path} is not a whole pixel store ({fault}); delete it and run `dvc repro` again") from None
