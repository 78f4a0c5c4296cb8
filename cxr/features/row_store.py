"""Rows of one size on disk, each under the hash of a picture. Rows can be added; complete rows survive a kill.

A folder:

    <facts_file>    what the rows depend on
    keys.txt        one line per row: the hash of the row's picture
    done.u8         one byte per row: 1 once the row is on disk
    crc.u32         one CRC-32 per row, of its key and its values; made at the first opening of a folder without it
    <values_file>   the rows, one after another
"""

import hashlib
import json
import logging
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cxr.common.atomic_files import read_json, replace_when_complete, reserve, write_json
from cxr.common.errors import CxrError

logger = logging.getLogger(__name__)

_SUMS = "crc.u32"
Picture = Callable[[int], np.ndarray]  # the i-th picture, uint8[size, size]; pixels need not fit in memory


def pixel_keys(picture: Picture, count: int) -> list[str]:
    """One key per picture: the hash of what a trunk will see, 32 hex digits."""
    return [hashlib.sha256(picture(i).tobytes()).hexdigest()[:32] for i in range(count)]


class RowStore:
    """Opening a folder that another process writes to at the same time is not supported.

    facts: JSON values, kept in `facts_file`. shape: of one row. kind: what the folder is, for messages. Raises CxrError
    where the folder holds something else, or is damaged.
    """

    def __init__(
        self,
        directory: Path,
        facts: dict[str, Any],
        shape: tuple[int, ...],
        dtype: type[np.generic],
        *,
        kind: str,
        facts_file: str,
        values_file: str,
    ):
        self.directory = directory
        self._shape = shape
        self._dtype = dtype
        self._kind = kind
        self._values_file = values_file
        directory.mkdir(parents=True, exist_ok=True)
        described = directory / facts_file
        if not described.exists():
            write_json(facts, described)
        if read_json(described) != json.loads(json.dumps(facts)):
            raise CxrError(f"{directory} holds another {kind} than its name says; delete the folder and run again")
        self._row_of = {key: row for row, key in enumerate(self._read_keys())}
        self._check_sizes(self._row_bytes())
        self._sound = np.zeros(len(self), bool)  # rows whose checksum was compared
        if len(self) and not (directory / _SUMS).exists():
            self._sum_up()
        self._check_sizes({_SUMS: 4})

    def __len__(self) -> int:
        return len(self._row_of)

    def any_done(self) -> bool:
        return bool(len(self) and self._open_done("r").any())

    def missing(self, keys: Sequence[str]) -> list[int]:
        """Positions of the keys whose rows are not complete or are damaged; a key that comes twice counts once. Each
        row is compared with its checksum once."""
        first = {key: i for i, key in reversed(list(enumerate(keys)))}
        self._verify([key for key in first if key in self._row_of])
        return sorted(i for key, i in first.items() if not (key in self._row_of and self._sound[self._row_of[key]]))

    def _verify(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        done, sums, values = self._open_done("r"), self._open_sums("r"), self._open_values("r")
        damaged = []
        for key in keys:
            row = self._row_of[key]
            if done[row] and not self._sound[row]:
                self._sound[row] = sums[row] == _sum_of(key, values[row])
                damaged += [] if self._sound[row] else [key]
        if damaged:
            logger.warning(
                "%d rows of the %s %s are damaged and are made anew, the first of picture %s",
                len(damaged), self._kind, self.directory, damaged[0],
            )  # fmt: skip

    def _sum_up(self) -> None:
        """Write the checksums of a folder from before there were any."""
        values = self._open_values("r")
        sums = np.array([_sum_of(key, values[row]) for key, row in self._row_of.items()], np.uint32)
        with replace_when_complete(self.directory / _SUMS) as partial:
            sums.tofile(partial)

    def rows(self, keys: Sequence[str]) -> np.ndarray:
        """Row numbers int64[n] of keys that are all known."""
        return np.array([self._row_of[key] for key in keys], np.int64)

    def add(self, keys: Sequence[str]) -> None:
        """Make room for the keys that have no row yet."""
        new = [key for key in keys if key not in self._row_of]
        rows = [*self._row_of, *new]
        partial = self.directory / "keys.txt.partial"
        partial.write_text("".join(f"{key}\n" for key in rows))
        # Room first, names last: a named row always has its place in the files.
        for name, row_bytes in (self._row_bytes() | {_SUMS: 4}).items():
            with (self.directory / name).open("ab") as handle:
                handle.truncate(len(self) * row_bytes)  # whatever stood there was no row of ours
                reserve(handle, len(rows) * row_bytes)
        partial.replace(self.directory / "keys.txt")
        self._row_of = {key: row for row, key in enumerate(rows)}
        self._sound = np.append(self._sound, np.zeros(len(new), bool))

    def write(self, keys: Sequence[str], values: Iterable[np.ndarray]) -> None:
        """Store the rows of keys that `add` has made room for, and call them done."""
        rows = self.rows(keys)
        stored = self._open_values("r+")
        done = self._open_done("r+")
        sums = self._open_sums("r+")
        for key, row, value in zip(keys, rows, values, strict=True):
            stored[row] = value
            sums[row] = _sum_of(key, stored[row])
        sums.flush()
        stored.flush()  # the values must be on disk before their rows are called done
        done[rows] = 1
        done.flush()
        self._sound[rows] = True

    def stored(self) -> np.ndarray:
        """Memory-mapped [rows, *shape], read-only."""
        return self._open_values("r")

    def damaged(self, what: str) -> CxrError:
        return CxrError(f"the {self._kind} {self.directory} is damaged: {what}; delete the folder and run again")

    def _check_sizes(self, expected: dict[str, int]) -> None:
        """Raises CxrError where the files are shorter than their rows: no byte in them can then be trusted."""
        for name, row_bytes in expected.items():
            path = self.directory / name
            size = path.stat().st_size if path.exists() else 0
            if size < len(self) * row_bytes:
                raise self.damaged(f"{name} has {size} bytes, its {len(self)} rows need {len(self) * row_bytes}")

    def _read_keys(self) -> Iterator[str]:
        path = self.directory / "keys.txt"
        return iter(path.read_text().split()) if path.exists() else iter(())

    def _row_bytes(self) -> dict[str, int]:
        return {self._values_file: int(np.prod(self._shape)) * np.dtype(self._dtype).itemsize, "done.u8": 1}

    def _open_values(self, mode: Any) -> np.memmap:
        return np.memmap(self.directory / self._values_file, self._dtype, mode, shape=(len(self), *self._shape))

    def _open_sums(self, mode: Any) -> np.memmap:
        return np.memmap(self.directory / _SUMS, np.uint32, mode, shape=len(self))

    def _open_done(self, mode: Any) -> np.memmap:
        return np.memmap(self.directory / "done.u8", np.uint8, mode, shape=len(self))


def _sum_of(key: str, row: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(row).data, zlib.crc32(key.encode()))
