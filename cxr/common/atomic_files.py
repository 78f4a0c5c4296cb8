"""Files that are either whole or not there."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from cxr.common.errors import CxrError


@contextlib.contextmanager
def replace_when_complete(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it into place only if the block ends without an error.

    Works for a file or a folder, whichever the block makes. A killed process leaves at most "<name>.partial".
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    remove(partial)
    try:
        yield partial
    except BaseException:
        remove(partial)
        raise
    if partial.is_dir():
        remove(path)
    os.replace(partial, path)


def remove(path: Path) -> None:
    """Delete a file, a link or a folder; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def reserve(handle: IO[bytes], size: int) -> None:
    """Make an open file `size` bytes long, and have the disk set them aside.

    A file that is only said to be so long is full of holes; a process that fills one through a memory map on a
    full disk is killed without a word. Here a full disk is an OSError that names the file.
    """
    handle.truncate(size)
    if size and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(handle.fileno(), 0, size)
        except OSError as fault:
            if fault.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # a file system that knows no such promise
                raise OSError(fault.errno, fault.strerror, handle.name) from None


def sha256_of(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_text(text: str, path: Path) -> None:
    with replace_when_complete(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(value: Any, path: Path) -> None:
    """Indented, sorted, ending in a newline, so that a diff reads well. NaN is refused: it is not JSON."""
    write_text(json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n", path)


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CxrError(f"{path} is missing; `dvc repro` makes it") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as fault:
        raise CxrError(f"{path} is not JSON ({fault}); delete it and run `dvc repro` again") from None
