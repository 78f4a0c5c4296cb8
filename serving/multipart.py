"""Fields of a multipart form, in memory: Starlette's own parser would spool a large file to disk."""

import logging
from collections.abc import Collection

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from serving.errors import bad_request, invalid_field

MOST_PARTS = 32
logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of each malformed form, and quotes from it


class _Collector:
    """Callbacks of the parser: keeps the content of the first part of each of the `names`, and of every part that has
    the name `repeated`."""

    def __init__(self, names: Collection[str], repeated: str = "", most_parts: int = MOST_PARTS):
        self.contents: dict[str, list[bytearray]] = {}
        self._names = {name.encode(): name for name in (*names, repeated)}
        self._repeated = repeated
        self._most_parts = most_parts
        self._parts = 0
        self._name: str | None = None  # of the part that is being read, where it is wanted
        self._field = bytearray()
        self._value = bytearray()

    def on_part_begin(self) -> None:
        self._parts += 1
        self._name = None
        if self._parts > self._most_parts:
            raise bad_request(f"the form has more than {self._most_parts} parts; send the picture alone")

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field.extend(data[start:end])

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value.extend(data[start:end])

    def on_header_end(self) -> None:
        field = bytes(self._field)
        value = bytes(self._value)
        self._field.clear()
        self._value.clear()
        if field.lower() == b"content-disposition":
            name = self._names.get(parse_options_header(value)[1].get(b"name", b""))
            self._name = None if name in self.contents and name != self._repeated else name

    def on_headers_finished(self) -> None:
        if self._name is not None:
            self.contents.setdefault(self._name, []).append(bytearray())

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name is not None:
            self.contents[self._name][-1].extend(memoryview(data)[start:end])

    def on_part_end(self) -> None:
        self._name = None


def form_field(body: bytes, content_type: str, name: str) -> bytes:
    """The content of the part called `name`; 400 where the form is malformed, 422 where the part is missing."""
    return form_fields(body, content_type, name)[name]


def form_fields(body: bytes, content_type: str, needed: str, *others: str) -> dict[str, bytes]:
    """The contents of the part called `needed` and of those of the `others` that are there, as `form_field`."""
    contents = _parsed(body, content_type, _Collector((needed, *others)))
    if needed not in contents:
        raise invalid_field(f"the form has no field {needed!r}; send the picture's file in it")
    return {name: bytes(parts[0]) for name, parts in contents.items()}


def form_files(body: bytes, content_type: str, name: str, most: int, *others: str) -> dict[str, list[bytes]]:
    """The contents of all parts called `name`, of which a form has 1 to `most`, and of the first of each of `others`;
    400 and 422 as `form_field`."""
    collector = _Collector(others, name, most + MOST_PARTS)
    contents = _parsed(body, content_type, collector)
    count = len(contents.get(name, ()))
    if not 1 <= count <= most:
        raise invalid_field(f"the form has {count} fields {name!r}; it takes 1 to {most}, each with a picture's file")
    return {name: [bytes(part) for part in parts] for name, parts in contents.items()}


def _parsed(body: bytes, content_type: str, collector: _Collector) -> dict[str, list[bytearray]]:
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise bad_request("the form's Content-Type has no boundary")
    callbacks = {key: getattr(collector, key) for key in dir(collector) if key.startswith("on_")}
    try:
        parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise bad_request("the form is not a well-formed multipart/form-data") from None
    return collector.contents
