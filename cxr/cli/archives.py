"""ZIP archives, read where they are: nothing is unpacked to the disk, and no archive takes much memory or time."""

import io
import os
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from cxr.cli.faults import UnreadableError
from cxr.imaging.limits import MAX_FILE_BYTES

MOST_AT_ONCE = 8 << 20  # bytes that may be asked for in one read; a list of 100,000 files has about so many
# Radiographs shrink to a half or a fifth. An archive that grows more than this is made to take the reader's time.
MOST_GROWTH = 200
_CHUNK = 1 << 16
_READ = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # the others grow without bound in a single step
_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Member:
    """number: in the archive's list. fault: why it is not read, or None."""

    name: str
    number: int
    fault: UnreadableError | None


def members(path: Path) -> list[Member]:
    """The files of an archive that are not hidden. Raises UnreadableError where it is damaged or too many."""
    with _opened(path) as archive:
        numbered = enumerate(archive.infolist())
        return [
            Member(_printable(info.filename), number, _refused(info))
            for number, info in numbered
            if not info.is_dir() and not _is_hidden(info.filename)
        ]


class Archive:
    """An open archive. `close` it."""

    def __init__(self, path: Path):
        """Raises UnreadableError where it is damaged."""
        self.path = path
        self._archive = _opened(path)
        self._allowed = MAX_FILE_BYTES + MOST_GROWTH * path.stat().st_size

    def read(self, number: int) -> bytes:
        """The bytes of one file. Raises UnreadableError where it is damaged or grows too much."""
        try:
            info = self._archive.infolist()[number]
            with self._archive.open(info) as handle:
                data = _bounded(handle, min(MAX_FILE_BYTES, self._allowed))
        except _FAULTS as fault:
            kind = type(fault).__name__
            raise UnreadableError("corrupt", f"the archive is damaged here ({kind}); pack it again") from None
        self._allowed -= len(data)
        return data

    def close(self) -> None:
        self._archive.close()


def _bounded(handle: IO[bytes], most: int) -> bytes:
    data = bytearray()
    while chunk := handle.read(_CHUNK):
        data += chunk
        if len(data) > most:
            raise UnreadableError(
                "too_large",
                f"it has more than {most} bytes unpacked, or its archive grows more than {MOST_GROWTH} times; "
                "unpack it and name the folder",
            )
    return bytes(data)


class _Measured(io.FileIO):
    """A file of which only so much is read at once: zipfile reads an archive's whole list in one go."""

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, os.fstat(self.fileno()).st_size - self.tell())
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > MOST_AT_ONCE:
            raise zipfile.BadZipFile("its list of files is too long")
        return super().read(wanted) or b""


class _Closing(zipfile.ZipFile):
    """Closes the file that it was made of, too."""

    def __init__(self, path: Path):
        self._measured = _Measured(str(path))
        try:
            super().__init__(self._measured)
        except BaseException:
            self._measured.close()
            raise

    def close(self) -> None:
        super().close()
        self._measured.close()


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return _Closing(path)
    except _FAULTS as fault:
        raise UnreadableError("corrupt", f"not a ZIP archive that can be read ({fault}); pack it again") from None


def _refused(info: zipfile.ZipInfo) -> UnreadableError | None:
    """What its entry in the list already says against it."""
    if _leads_out(info.filename):
        return UnreadableError("outside", "its name leads out of the archive; pack it again with names within")
    if stat.S_ISLNK(info.external_attr >> 16):
        return UnreadableError("outside", "it is a link; pack the file itself")
    if info.flag_bits & 1:
        return UnreadableError("encrypted", "it is encrypted; pack it again without a password")
    if info.compress_type not in _READ:
        return UnreadableError("unsupported", "its packing method is not read; pack it again as ordinary ZIP")
    if info.file_size > MAX_FILE_BYTES:
        return UnreadableError("too_large", f"it has {info.file_size} bytes, at most {MAX_FILE_BYTES} are read")
    return None


def _leads_out(name: str) -> bool:
    path = _path(name)
    return path.is_absolute() or ".." in path.parts or ":" in path.parts[0]


def _is_hidden(name: str) -> bool:
    parts = _path(name).parts
    return not parts or parts[-1].startswith(".") or parts[0] == "__MACOSX" or parts[-1].upper() == "DICOMDIR"


def _path(name: str) -> PurePosixPath:
    """Archives from Windows may separate by backslashes."""
    return PurePosixPath(name.replace("\\", "/"))


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()
