"""From the bytes of a request to the bytes of a picture, within bounds. Nothing is written to disk."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request

from cxr.payload import PayloadError, decode_base64
from serving.errors import ServiceError, of_picture

_TYPE_NAMES = {str: "a text", bool: "true or false", list: "a list"}


async def read_body(request: Request, max_body: int) -> bytes:
    """The whole body, or 413 before more than `max_body` bytes of it are held, whatever Content-Length says."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > max_body:
        raise _too_large(max_body)
    chunks, length = [], 0
    try:
        async for chunk in request.stream():
            length += len(chunk)
            if length > max_body:
                raise _too_large(max_body)
            chunks.append(chunk)
    except ClientDisconnect:
        raise ServiceError(400, "bad_request", "the connection closed before the request was complete") from None
    return b"".join(chunks)


def _too_large(max_body: int) -> ServiceError:
    return ServiceError(
        413, "too_large", f"the request has more than {max_body} bytes, which is the most; send a smaller picture"
    )


def check_media_type(request: Request, wanted: str) -> None:
    """415 where the request says that it is something else; one without a Content-Type is taken at its word."""
    media_type = request.headers.get("content-type", wanted).partition(";")[0].strip().lower()
    if media_type != wanted:
        raise ServiceError(415, "unsupported_media_type", f"the request must have the Content-Type {wanted}")


def json_object(body: bytes) -> dict[str, Any]:
    """400 for what is not JSON in UTF-8, 422 for JSON that is no object."""
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ServiceError(400, "not_json", "the request's text is not UTF-8; send JSON in UTF-8") from None
    except RecursionError:
        raise ServiceError(400, "not_json", "the request's JSON is nested too deeply; send a flat object") from None
    except ValueError:
        raise ServiceError(400, "not_json", "the request is not JSON; send an object") from None
    if not isinstance(value, dict):
        raise ServiceError(422, "invalid_field", "the request's JSON is no object; send {...}")
    return value


def field(fields: Mapping[str, Any], name: str, kind: type, default: Any = None) -> Any:
    """The value of a field, of exactly the type `kind`; 422 names the field. default None: it must be there."""
    if name not in fields and default is not None:
        return default
    if name not in fields:
        raise ServiceError(422, "invalid_field", f"the field {name!r} is missing; it is {_TYPE_NAMES[kind]}")
    if type(fields[name]) is not kind:
        raise ServiceError(422, "invalid_field", f"the field {name!r} must be {_TYPE_NAMES[kind]}")
    return fields[name]


def only(fields: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    """422 where there is a field that nobody reads: a misspelt one would be ignored silently."""
    if not set(fields) <= set(allowed):
        raise ServiceError(422, "invalid_field", f"the request has a field that is not one of {', '.join(allowed)}")


def picture_bytes(text: str, max_bytes: int) -> bytes:
    try:
        return decode_base64(text, max_bytes)
    except PayloadError as fault:
        raise of_picture(fault) from None
