"""What every source shares about files: which ones are clutter, copies from a mirror, and a full disk."""

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from cxr.errors import SourceError
from cxr.files import replace_when_complete

MIRROR_HINT = "or set its `origin` in params.yaml to a directory that mirrors it (data/README.md says how)"
_FULL = (errno.ENOSPC, errno.EDQUOT)

Wanted = Callable[[PurePosixPath], bool]


def is_clutter(path: PurePosixPath) -> bool:
    """Hidden files, and the resource forks that macOS puts into its zips."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def copy_mirror(origin: str, directory: Path, markers: Sequence[str], wanted: Wanted) -> None:
    """Copy the wanted files of the directory `origin` to `directory`, whole or not at all.

    Copies, never links: the mirror may be read-only or on another file system, and DVC write-protects what it
    caches, which through a hard link would reach into the mirror. origin: absolute, or relative to the
    project's root. markers: what must be there for it to be a mirror of this source. wanted: is asked about
    paths relative to `origin`.
    """
    root = Path(origin)
    _require(root, markers, directory.name)
    with disk_faults(f"{directory.name}: copying {root}", directory):
        files = [path for path in _walk(root) if not is_clutter(path) and wanted(path)]
        if not files:
            raise SourceError(f"{directory.name}: {root} holds none of this source's files; set `origin` to a mirror")
        sizes = [(root / path).stat().st_size for path in files]
        require_space(sum(sizes), directory, directory.name)
        with replace_when_complete(directory) as partial:
            _copy(root, files, sizes, partial)


def _require(root: Path, markers: Sequence[str], name: str) -> None:
    if not root.is_dir():
        raise SourceError(f"{name}: origin {root} is not a directory; set it to the mirror's directory or to `public`")
    for marker in markers:
        if not (root / marker).exists():
            raise SourceError(
                f"{name}: origin {root} has no {marker}, so it does not mirror this source; "
                "data/README.md says what a mirror holds"
            )


def _walk(root: Path) -> Iterator[PurePosixPath]:
    """All files under root, sorted, links to folders followed once each."""
    seen = {os.path.realpath(root)}
    for folder, folders, files in os.walk(root, followlinks=True, onerror=_raise):
        here = PurePosixPath(Path(folder).relative_to(root).as_posix())
        folders.sort()
        # A link to a folder further up would never end.
        reals = {name: os.path.realpath(os.path.join(folder, name)) for name in folders}
        folders[:] = [name for name in folders if reals[name] not in seen]
        seen.update(reals.values())
        yield from (here / name for name in sorted(files))


def _raise(fault: OSError) -> None:
    raise fault


def _copy(root: Path, files: list[PurePosixPath], sizes: list[int], target: Path) -> None:
    with tqdm(desc=f"copying {root}", total=sum(sizes), unit="B", unit_scale=True) as bar:
        for path, size in zip(files, sizes, strict=True):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / path, target / path)  # contents only: a mirror's files may be read-only
            bar.update(size)


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
