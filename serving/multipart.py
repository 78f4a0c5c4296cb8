"""Fields of a multipart form, in memory: Starlette's own parser would spool a large file to disk."""

from collections.abc import Collection

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from serving.errors import bad_request, invalid_field

MOST_PARTS = 32


class _Collector:
    """Callbacks of the parser: keeps the content of the first part of each of the `names`."""

    def __init__(self, names: Collection[str]):
        self.contents: dict[str, bytearray] = {}
        self._names = {name.encode(): name for name in names}
        self._parts = 0
        self._name: str | None = None  # of the part that is being read, where it is wanted
        self._field = bytearray()
        self._value = bytearray()

    def on_part_begin(self) -> None:
        self._parts += 1
        self._name = None
        if self._parts > MOST_PARTS:
            raise bad_request(f"the form has more than {MOST_PARTS} parts; send the picture alone")

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
            self._name = None if name in self.contents else name

    def on_headers_finished(self) -> None:
        if self._name is not None:
            self.contents[self._name] = bytearray()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name is not None:
            self.contents[self._name].extend(memoryview(data)[start:end])

    def on_part_end(self) -> None:
        self._name = None


def form_field(body: bytes, content_type: str, name: str) -> bytes:
    """The content of the part called `name`; 400 where the form is malformed, 422 where the part is missing."""
    return form_fields(body, content_type, name)[name]


def form_fields(body: bytes, content_type: str, needed: str, *others: str) -> dict[str, bytes]:
    """The contents of the part called `needed` and of those of the `others` that are there, as `form_field`."""
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise bad_request("the form's Content-Type has no boundary")
    collector = _Collector((needed, *others))
    callbacks = {key: getattr(collector, key) for key in dir(collector) if key.startswith("on_")}
    try:
        parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise bad_request("the form is not a well-formed multipart/form-data") from None
    if needed not in collector.contents:
        raise invalid_field(f"the form has no field {needed!r}; send the picture's file in it")
    return {name: bytes(content) for name, content in collector.contents.items()}
