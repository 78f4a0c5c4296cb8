"""Says in one sentence that a disk is full or cannot be used."""

import contextlib
import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from cxr.common.errors import SourceError

_FULL = (errno.ENOSPC, errno.EDQUOT)


def require_space(needed_bytes: int, place: Path, what: str) -> None:
    """Fail before the work, not in its middle. place: the file or folder that is to be made."""
    place.parent.mkdir(parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(place.parent).free
    if needed_bytes > free_bytes:
        raise SourceError(
            f"{what}: needs {_gib(needed_bytes)} and the disk that holds {place.parent} has "
            f"{_gib(free_bytes)} free; free some space and run again"
        )


def _gib(count: int) -> str:
    return f"{count / 2**30:.2f} GiB"


@contextlib.contextmanager
def disk_faults(doing: str, place: Path) -> Iterator[None]:
    """Turn the operating system's faults of reading and writing into one sentence."""
    try:
        yield
    except OSError as fault:
        if fault.errno in _FULL:
            raise SourceError(f"{doing}: the disk that holds {place.parent} is full; free some and run again") from None
        raise SourceError(
            f"{doing}: {fault.strerror or fault} ({fault.filename or place}); mend it and run again"
        ) from None
