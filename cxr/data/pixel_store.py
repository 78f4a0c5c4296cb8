"""The pixel store: every indexed image decoded and resized once, uint8[n, size, size], in the index's order."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from cxr.common.atomic_files import replace_when_complete, reserve
from cxr.common.errors import CxrError, ImageError
from cxr.common.parallel import map_in_order
from cxr.data.manifest import ImageRow
from cxr.imaging.decode import to_pixels


def write_pixels(rows: Sequence[ImageRow], raw: Path, image_size: int, path: Path) -> None:
    """Decode on all cores, each process straight into the file: no picture is handed over or waits for another, so
    that memory stays constant. Raises CxrError where a file is no longer what the index saw."""
    with replace_when_complete(path) as unfinished:
        offset = np.lib.format.open_memmap(unfinished, "w+", np.uint8, (len(rows), image_size, image_size)).offset
        with unfinished.open("r+b") as handle:
            reserve(handle, unfinished.stat().st_size)
        tasks = [(raw / row.path, offset + i * image_size**2) for i, row in enumerate(rows)]
        for _ in map_in_order(partial(_store, unfinished, image_size), tasks, len(tasks), "pixels"):
            pass


def _store(store: Path, image_size: int, task: tuple[Path, int]) -> None:
    """task: a picture's file, and the byte of the store where its pixels begin."""
    file, start = task
    pixels = _decode(file, image_size)
    with store.open("r+b", buffering=0) as handle:
        handle.seek(start)
        handle.write(pixels.tobytes())


def _decode(file: Path, image_size: int) -> np.ndarray:
    try:
        return to_pixels(file.read_bytes(), image_size)
    except (ImageError, FileNotFoundError) as fault:
        raise CxrError(f"{file} has changed since it was indexed ({fault}); run `dvc repro` again") from None


def read_pixels(path: Path) -> np.ndarray:
    """Memory-mapped uint8[n, size, size], read-only."""
    try:
        return np.load(path, mmap_mode="r")
    except FileNotFoundError:
        raise CxrError(f"{path} is missing; `dvc repro` makes it") from None
    except (EOFError, ValueError) as fault:
        raise CxrError(f"{path} is not a whole pixel store ({fault}); delete it and run `dvc repro` again") from None
