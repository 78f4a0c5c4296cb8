"""The body of a STOW-RS request, multipart/related (RFC 2387), to its parts, chunk by chunk and within a limit."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from cxr.common.errors import CxrError

DICOM = "application/dicom"


class BodyError(CxrError):
    """A body that is not what STOW-RS sends. status: of the HTTP answer."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class StowPart(NamedTuple):
    """file: the part's bytes, on disk. media_type: in small letters, without parameters. too_large: it was longer than
    allowed, and the file lacks the rest."""

    file: Path
    media_type: str
    too_large: bool


def boundary_of(content_type: str) -> bytes:
    """The boundary that a request's Content-Type names. Raises BodyError (415) for anything but DICOM in parts."""
    media_type, options = parse_options_header(content_type)
    kind = options.get(b"type", DICOM.encode()).lower()
    if media_type != b"multipart/related" or kind != DICOM.encode():
        raise BodyError(415, f'Content-Type must be multipart/related; type="{DICOM}"; boundary=…')
    if not options.get(b"boundary"):
        raise BodyError(400, "Content-Type names no boundary")
    return options[b"boundary"]


class PartsReader:
    """Takes a body chunk by chunk and writes its parts to files in `folder`; none is ever whole in memory.

    most_bytes: of one part; a longer one is read to its end, and not written. Leaving the block removes the file of
    a part that is not whole; the others are the caller's to remove.
    """

    def __init__(self, boundary: bytes, folder: Path, most_bytes: int):
        self._folder = folder
        self._most_bytes = most_bytes
        self._file: IO[bytes] | None = None
        self._done: list[StowPart] = []
        self._ended = False
        self._field = b""
        self._value = b""
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._add_to_field,
                    "on_header_value": self._add_to_value,
                    "on_header_end": self._end_header,
                    "on_part_data": self._write,
                    "on_part_end": self._end,
                    "on_end": self._end_of_body,
                },
            )
        except FormParserError as fault:
            raise BodyError(400, f"the boundary cannot be used: {fault}") from None

    def __enter__(self) -> "PartsReader":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            Path(self._file.name).unlink(missing_ok=True)
        for part in self._done:
            part.file.unlink(missing_ok=True)

    def feed(self, chunk: bytes) -> Iterator[StowPart]:
        """The parts that are whole with this chunk. Raises BodyError (400) for what is no multipart body."""
        try:
            self._parser.write(chunk)
        except FormParserError as fault:
            raise BodyError(400, f"the body is not multipart/related: {fault}") from None
        while self._done:
            yield self._done.pop(0)

    def end(self) -> None:
        """Raises BodyError (400) if the closing boundary has not come: the sender stopped on the way."""
        if not self._ended:
            raise BodyError(400, "the body ends before its closing boundary")

    def _begin(self) -> None:
        self._file = tempfile.NamedTemporaryFile(dir=self._folder, prefix="stow-", delete=False)  # noqa: SIM115
        self._media_type = DICOM
        self._length = 0

    def _add_to_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._field.lower() == b"content-type":
            self._media_type = parse_options_header(self._value)[0].decode("latin-1")
        self._field = b""
        self._value = b""

    def _write(self, data: bytes, start: int, end: int) -> None:
        self._length += end - start
        if self._file is not None and self._length <= self._most_bytes:
            self._file.write(data[start:end])

    def _end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._done.append(StowPart(Path(self._file.name), self._media_type, self._length > self._most_bytes))
        self._file = None

    def _end_of_body(self) -> None:
        self._ended = True
