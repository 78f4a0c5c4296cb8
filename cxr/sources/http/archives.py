"""Zip files from outside: checked before anything is written, unpacked whole or not at all."""

import contextlib
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from cxr.common.atomic_files import remove, replace_when_complete
from cxr.common.disk import disk_faults, require_space
from cxr.common.errors import SourceError
from cxr.sources.http.transfer import Download, download

ENCRYPTED = 0x1


@dataclass(frozen=True)
class Bounds:
    """What an archive may unpack to. The largest public source has 12,000 members and 2.5 GB."""

    files: int = 200_000
    total_bytes: int = 20 * 2**30


# From a member's path to where its file goes, or None where it is not wanted.
Placing = Callable[[PurePosixPath], PurePosixPath | None]


class BadArchiveError(SourceError):
    """The archive itself is at fault: no second attempt with the same file can succeed."""


def is_clutter(path: PurePosixPath) -> bool:
    """Hidden files, and the resource forks that macOS puts into its zips."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


@contextlib.contextmanager
def fetched(job: Download, directory: Path, filename: str) -> Iterator[Path]:
    """The downloaded archive, beside `directory`, for the time of the block.

    It stays where it is if the block fails for a reason of this machine, such as a full disk, so that the next
    run need not fetch it again; a bad archive is deleted.
    """
    holding = directory.with_name(f"{directory.name}.download")
    archive = holding / filename
    download(job, archive)
    try:
        yield archive
    except BadArchiveError:
        remove(archive)
        raise
    remove(holding)


def comment_of(archive: Path, what: str) -> str:
    """The archive's comment; GitHub writes the commit's id there."""
    with _opened(archive, what) as zipped:
        return zipped.comment.decode("ascii", errors="replace")


def unpack(archive: Path, directory: Path, placing: Placing, what: str, bounds: Bounds | None = None) -> None:
    """Write the wanted members under `directory`, which appears only when all of them are there and their
    checksums fit. what: names the archive in messages. Raises SourceError."""
    with _opened(archive, what) as zipped:
        members = _wanted(zipped.infolist(), placing, what, bounds or Bounds())
        size = sum(member.file_size for member, _ in members)
        with disk_faults(f"{what}: unpacking", directory):
            require_space(size, directory, what)
            with replace_when_complete(directory) as partial:
                _write(zipped, members, partial, what)


@contextlib.contextmanager
def _opened(archive: Path, what: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as zipped:
            yield zipped
    # NotImplementedError: a compression or a version of the format that Python's zipfile does not know.
    # UnicodeDecodeError: a name that calls itself UTF-8 and is not.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as fault:
        raise BadArchiveError(f"{what}: what came is not a sound zip file ({fault}); run again to fetch it") from None


def _wanted(
    members: list[zipfile.ZipInfo], placing: Placing, what: str, bounds: Bounds
) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The members to write, each with its place. One harmful member refuses the whole archive."""
    for member in members:
        if harm := _harm(member):
            raise BadArchiveError(f"{what}: the zip is refused, its member {member.filename!r} {harm}")
    files = len(members)
    total_bytes = sum(member.file_size for member in members)
    if files > bounds.files or total_bytes > bounds.total_bytes:
        raise BadArchiveError(
            f"{what}: the zip is refused, it would unpack to {files} files and {total_bytes} bytes; at most "
            f"{bounds.files} files and {bounds.total_bytes} bytes are allowed"
        )
    placed = [(member, _place(member, placing)) for member in members if not member.is_dir()]
    wanted = [(member, place) for member, place in placed if place is not None]
    if not wanted:
        raise BadArchiveError(f"{what}: the zip holds none of the files that this source should have")
    _refuse_collisions([place for _, place in wanted], what)
    return wanted


def _refuse_collisions(places: list[PurePosixPath], what: str) -> None:
    taken = set(places)
    folders = {folder for place in places for folder in place.parents}  # always holds ".", the top itself
    if len(taken) < len(places) or taken & folders:
        raise BadArchiveError(f"{what}: the zip is refused, it names one file twice, or as a folder too")


def _harm(member: zipfile.ZipInfo) -> str:
    parts = re.split(r"[/\\]", member.filename)
    if ".." in parts or parts[0] == "" or re.match("[A-Za-z]:", member.filename):
        return "climbs out of its folder"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a symbolic link"
    if member.flag_bits & ENCRYPTED:
        return "is encrypted"
    return ""


def _place(member: zipfile.ZipInfo, placing: Placing) -> PurePosixPath | None:
    path = PurePosixPath(member.filename)
    return None if is_clutter(path) else placing(path)


def _write(
    zipped: zipfile.ZipFile, members: list[tuple[zipfile.ZipInfo, PurePosixPath]], target: Path, what: str
) -> None:
    total = sum(member.file_size for member, _ in members)
    with tqdm(desc=f"unpacking {what.partition(':')[0]}", total=total, unit="B", unit_scale=True) as bar:
        for member, place in members:
            path = target / place
            path.parent.mkdir(parents=True, exist_ok=True)
            # Reading to the member's end checks its CRC; zipfile never reads beyond the size it announced.
            with zipped.open(member) as packed, path.open("wb") as plain:
                shutil.copyfileobj(packed, plain, 1 << 20)
            bar.update(member.file_size)
