"""One field of a multipart form, in memory: Starlette's own parser would spool a large file to disk."""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from serving.errors import bad_request, invalid_field

MOST_PARTS = 32


class _Collector:
    """Callbacks of the parser: keeps the content of the first part called `name`."""

    def __init__(self, name: bytes):
        self.content: bytearray | None = None
        self._name = name
        self._parts = 0
        self._wanted = False
        self._field = bytearray()
        self._value = bytearray()

    def on_part_begin(self) -> None:
        self._parts += 1
        self._wanted = False
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
        if field.lower() == b"content-disposition" and self.content is None:
            self._wanted = parse_options_header(value)[1].get(b"name") == self._name

    def on_headers_finished(self) -> None:
        if self._wanted:
            self.content = bytearray()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted and self.content is not None:
            self.content.extend(memoryview(data)[start:end])

    def on_part_end(self) -> None:
        self._wanted = False


def form_field(body: bytes, content_type: str, name: str) -> bytes:
    """The content of the part called `name`; 400 where the form is malformed, 422 where the part is missing."""
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise bad_request("the form's Content-Type has no boundary")
    collector = _Collector(name.encode())
    callbacks = {key: getattr(collector, key) for key in dir(collector) if key.startswith("on_")}
    try:
        parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise bad_request("the form is not a well-formed multipart/form-data") from None
    if collector.content is None:
        raise invalid_field(f"the form has no field {name!r}; send the picture's file in it")
    return bytes(collector.content)
