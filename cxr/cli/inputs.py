"""What `cxr predict` was given, as a list of files: pictures, folders, ZIP archives and DICOMDIRs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cxr.cli import archives
from cxr.cli.faults import UnreadableError
from cxr.common.errors import CxrError

DICOMDIR = "DICOMDIR"


@dataclass(frozen=True)
class Entry:
    """One file that gets a row. name: as the table has it. path: of the file, or of the archive that holds it.

    member: its number in the archive, or None. fault: why it is not even read, or None.
    """

    name: str
    path: Path
    member: int | None = None
    fault: UnreadableError | None = None


def entries_of(paths: Sequence[Path]) -> list[Entry]:
    """Every file once, in the order of `paths` and sorted within a folder. Raises CxrError where there is none.

    A folder gives all files under it that are not hidden, and what its ZIP archives hold; a DICOMDIR in it is passed
    over, since the files that it lists are there too. A DICOMDIR that is named gives the images that it lists.
    """
    found = {entry.name: entry for path in paths for entry in _under(path)}
    if not found:
        raise CxrError(f"{', '.join(map(str, paths))}: no file in there; name picture files or folders of them")
    return list(found.values())


def _under(path: Path) -> Iterator[Entry]:
    if not path.exists():
        raise CxrError(f"{path} does not exist; name picture files, folders, a ZIP archive or a DICOMDIR")
    if not path.is_dir():
        yield from _of_file(path)
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and not file.name.startswith(".") and file.name.upper() != DICOMDIR:
            yield from _of_archive(file) if file.suffix.lower() == ".zip" else [Entry(shown(file), file)]


def _of_file(path: Path) -> Iterable[Entry]:
    if path.suffix.lower() == ".zip":
        return _of_archive(path)
    return _of_dicomdir(path) if path.name.upper() == DICOMDIR else [Entry(shown(path), path)]


def _of_archive(path: Path) -> Iterator[Entry]:
    name = shown(path)
    try:
        members = archives.members(path)
    except UnreadableError as fault:
        yield Entry(name, path, fault=fault)
        return
    free = _FreeNames()
    for member in members:
        yield Entry(free.name(f"{name}/{member.name}"), path, member.number, member.fault)


class _FreeNames:
    """An archive may hold two files of one name, and a third that is called as the second would be."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._last: dict[str, int] = {}

    def name(self, wanted: str) -> str:
        """`wanted` the first time, else with the next number that gives a name of its own."""
        found, number = wanted, self._last.get(wanted, 1)
        while found in self._given:
            number += 1
            found = f"{wanted} ({number})"
        self._last[wanted] = number
        self._given.add(found)
        return found


def _of_dicomdir(path: Path) -> Iterator[Entry]:
    from cxr.cli import dicomdir  # pydicom takes a second to load

    try:
        images = dicomdir.images(path)
    except UnreadableError as fault:
        yield Entry(shown(path), path, fault=fault)
        return
    for image in images:
        yield Entry(shown(image.path), image.path, fault=image.fault)


def shown(path: Path) -> str:
    """The path as text: old disks have names in other encodings."""
    return str(path).encode("utf-8", "backslashreplace").decode()
