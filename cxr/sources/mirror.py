"""Copies a source from a local directory that mirrors it."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from cxr.common.atomic_files import replace_when_complete
from cxr.common.disk import disk_faults, require_space
from cxr.common.errors import SourceError
from cxr.sources.http.archives import is_clutter

Wanted = Callable[[PurePosixPath], bool]


def copy_mirror(origin: str, directory: Path, markers: Sequence[str], wanted: Wanted) -> None:
    """Copy the wanted files of the directory `origin` to `directory`, whole or not at all.

    Copies, never links: the mirror may be read-only or on another file system, and DVC write-protects what it
    caches, which through a hard link would reach into the mirror. origin: absolute, or relative to the
    project's root. markers: what must be there for it to be a mirror of this source. wanted: is asked about
    paths relative to `origin`.
    """
    root = Path(origin)
    require_mirror(root, markers, directory.name)
    with disk_faults(f"{directory.name}: copying {root}", directory):
        files = [path for path in files_below(root) if not is_clutter(path) and wanted(path)]
        if not files:
            raise SourceError(f"{directory.name}: {root} holds none of this source's files; set `origin` to a mirror")
        sizes = [(root / path).stat().st_size for path in files]
        require_space(sum(sizes), directory, directory.name)
        with replace_when_complete(directory) as partial:
            _copy(root, files, sizes, partial)


def require_mirror(root: Path, markers: Sequence[str], name: str) -> None:
    """Raise SourceError where `root` is no directory or lacks a marker. name: the source's."""
    if not root.is_dir():
        raise SourceError(f"{name}: origin {root} is not a directory; set it to the mirror's directory or to `public`")
    for marker in markers:
        if not (root / marker).exists():
            raise SourceError(
                f"{name}: origin {root} has no {marker}, so it does not mirror this source; "
                "data/README.md says what a mirror holds"
            )


def files_below(root: Path) -> Iterator[PurePosixPath]:
    """All files under root, relative to it, sorted, links to folders followed once each."""
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
