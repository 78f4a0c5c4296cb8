"""Copies a source from a local directory that mirrors it.

What must not enter the project stays behind, and is named with the reason in `.left_out.csv`; the index counts it.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from cxr.common.atomic_files import replace_when_complete
from cxr.common.disk import disk_faults, require_space
from cxr.common.errors import SourceError
from cxr.data.manifest import RejectedRow, write_rows
from cxr.sources.http.archives import is_clutter
from cxr.sources.names import escaped, is_plain

LEFT_OUT = ".left_out.csv"
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
        found = [path for path in files_below(root) if not is_clutter(path)]
        left_out = [row for path in found if (row := _left_out(root, path, wanted, directory.name))]
        files = [path for path in found if wanted(path) and is_plain(str(path)) and not leads_outside(root, path)]
        if not files:
            raise SourceError(f"{directory.name}: {root} holds none of this source's files; set `origin` to a mirror")
        sizes = [(root / path).stat().st_size for path in files]
        require_space(sum(sizes), directory, directory.name)
        with replace_when_complete(directory) as partial:
            _copy(root, files, sizes, partial)
            if left_out:
                write_rows(left_out, RejectedRow, partial / LEFT_OUT)


def _left_out(root: Path, path: PurePosixPath, wanted: Wanted, name: str) -> RejectedRow | None:
    """A row for what stays behind although it is wanted. What is in a folder that leads outside, nobody looks at."""
    if (wanted(path) or (root / path).is_dir()) and leads_outside(root, path):
        return RejectedRow(escaped(str(path)), name, "link_outside", "")
    if wanted(path) and not is_plain(str(path)):
        return RejectedRow(escaped(str(path)), name, "bad_name", "")
    return None


def leads_outside(root: Path, path: PurePosixPath) -> bool:
    """Whether root/path is a symbolic link to a place outside `root`. Raises OSError where it leads to nothing."""
    (root / path).stat()  # the fault names the link, not what it leads to
    return not Path(os.path.realpath(root / path)).is_relative_to(os.path.realpath(root))


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
        if leads_outside(root, PurePosixPath(marker)):
            raise SourceError(
                f"{name}: {root / marker} is a symbolic link out of the mirror; put the files themselves there, "
                "or set `origin` to where they are"
            )


def files_below(root: Path) -> Iterator[PurePosixPath]:
    """All files under root, relative to it, sorted. Links to folders are followed once each; one that leads out of
    root is named itself, as a file is."""
    seen = {os.path.realpath(root)}
    for folder, folders, files in os.walk(root, followlinks=True, onerror=_raise):
        here = PurePosixPath(Path(folder).relative_to(root).as_posix())
        folders.sort()
        # A link to a folder further up would never end.
        reals = {name: os.path.realpath(os.path.join(folder, name)) for name in folders}
        outside = [name for name in folders if leads_outside(root, here / name)]
        folders[:] = [name for name in folders if reals[name] not in seen and name not in outside]
        seen.update(reals.values())
        yield from (here / name for name in sorted([*files, *outside]))


def _raise(fault: OSError) -> None:
    raise fault


def _copy(root: Path, files: list[PurePosixPath], sizes: list[int], target: Path) -> None:
    with tqdm(desc=f"copying {root}", total=sum(sizes), unit="B", unit_scale=True) as bar:
        for path, size in zip(files, sizes, strict=True):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / path, target / path)  # contents only: a mirror's files may be read-only
            bar.update(size)
