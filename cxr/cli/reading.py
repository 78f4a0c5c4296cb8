"""The bytes of one entry at a time, within a limit of size."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cxr.cli.archives import Archive
from cxr.cli.faults import UnreadableError
from cxr.cli.inputs import Entry
from cxr.imaging.limits import MAX_FILE_BYTES


class Reader:
    """Keeps the archive open that was read from last."""

    def __init__(self) -> None:
        self._archive: Archive | None = None

    def read(self, entry: Entry) -> bytes:
        """Raises UnreadableError, or OSError where the disk or the network does not give the file."""
        if entry.fault is not None:
            raise entry.fault
        if entry.member is None:
            return _file(entry.path)
        if self._archive is None or self._archive.path != entry.path:
            self.close()
            self._archive = Archive(entry.path)
        return self._archive.read(entry.member)

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()
        self._archive = None


@contextmanager
def reader() -> Iterator[Reader]:
    made = Reader()
    try:
        yield made
    finally:
        made.close()


def _file(path: Path) -> bytes:
    with path.open("rb") as handle:
        data = handle.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise UnreadableError("too_large", f"the file has more than {MAX_FILE_BYTES} bytes; export a smaller one")
    return data
