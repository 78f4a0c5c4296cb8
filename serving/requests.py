"""From a request to its fields and to the bytes of its picture, within limits. Nothing is written to disk."""

import json
from collections.abc import Mapping
from typing import Any

import anyio
from starlette.requests import ClientDisconnect, Request

from cxr.imaging.base64_payload import PayloadError, decode_base64
from serving.errors import ServiceError, bad_request, invalid_field, not_json, of_picture, overloaded
from serving.load import Share
from serving.settings import Settings

RATE_WINDOW_S = 5  # over which the least rate of a body is measured
JSON_MARKS = (b",", b":", b"[", b"{")  # each may make an object of Python, far larger than itself
_TYPE_NAMES = {str: "a text", bool: "true or false", list: "a list"}


async def read_body(request: Request, share: Share, settings: Settings) -> bytes:
    """The whole body, in `share`. 413 before more than `max_body` bytes of it are held, whatever Content-Length says.

    408 where it takes longer than `body_timeout_s`, or brings fewer than `body_rate` bytes a second for some seconds.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > settings.max_body:
        raise _too_large(settings.max_body)
    try:
        with anyio.CancelScope() as scope:
            share.reading = scope
            return await _joined(request, share, settings, scope)
    except ClientDisconnect:
        raise bad_request("the connection closed before the request was complete") from None
    finally:
        share.reading = None
    if share.given_up:
        raise overloaded()
    raise ServiceError(
        408,
        "timeout",
        f"the request was not complete after {settings.body_timeout_s} s, or came with less than "
        f"{settings.body_rate} bytes a second; try again",
    )


async def _joined(request: Request, share: Share, settings: Settings, scope: anyio.CancelScope) -> bytes:
    """The body, within the time that `scope` has: it is extended with every piece of the least rate."""
    last = anyio.current_time() + settings.body_timeout_s
    scope.deadline = min(last, anyio.current_time() + RATE_WINDOW_S)
    body = bytearray()
    fresh = 0
    async for chunk in request.stream():
        if len(body) + len(chunk) > settings.max_body:
            raise _too_large(settings.max_body)
        share.hold(len(chunk))
        body += chunk
        fresh += len(chunk)
        if fresh >= settings.body_rate * RATE_WINDOW_S:
            fresh = 0
            scope.deadline = min(last, anyio.current_time() + RATE_WINDOW_S)
    return bytes(body)


def _too_large(max_body: int) -> ServiceError:
    return ServiceError(
        413, "too_large", f"the request has more than {max_body} bytes, which is the most; send a smaller picture"
    )


def media_type(request: Request, default: str) -> str:
    """Of the request's Content-Type, in lower case and without parameters."""
    return request.headers.get("content-type", default).partition(";")[0].strip().lower()


def check_media_type(request: Request, wanted: str) -> None:
    """415 where the request's Content-Type is another one; a request without a Content-Type passes."""
    if media_type(request, wanted) != wanted:
        raise unsupported_media_type(wanted)


def unsupported_media_type(wanted: str) -> ServiceError:
    return ServiceError(415, "unsupported_media_type", f"the request must have the Content-Type {wanted}")


def flag(name: str, text: str) -> bool:
    """true or false, as a form or an address has it; 422 for anything else."""
    if text not in ("true", "false"):
        raise invalid_field(f"the field {name!r} must be true or false")
    return text == "true"


def json_object(body: bytes, most_marks: int) -> dict[str, Any]:
    """400 for what is not JSON in UTF-8, 422 for JSON that is no object.

    400 as well for more than `most_marks` commas, colons or brackets of a kind outside texts, unparsed: a million empty
    lists in 2 MB would take seconds and hundreds of megabytes.
    """
    _check_marks(body, most_marks)
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise not_json("the request's text is not UTF-8; send JSON in UTF-8") from None
    except RecursionError:
        raise not_json("the request's JSON is nested too deeply; send a flat object") from None
    except ValueError:
        raise not_json("the request is not JSON; send an object") from None
    if not isinstance(value, dict):
        raise invalid_field("the request's JSON is no object; send {...}")
    return value


def _check_marks(body: bytes, most: int) -> None:
    """Linear in the body, whatever is in it, and nearly free for a usual one."""
    if all(body.count(mark) <= most for mark in JSON_MARKS):
        return
    outside = dict.fromkeys(JSON_MARKS, 0)
    within = False
    at = 0
    for _ in range(4 * most):  # a text follows a mark, so there are few texts where there are few marks
        quote = body.find(b'"', at)
        end = len(body) if quote < 0 else quote
        if not within:
            for mark in JSON_MARKS:
                outside[mark] += body.count(mark, at, end)
        if max(outside.values()) > most:
            break
        if quote < 0:
            return
        within = not within or _is_escaped(body[at:quote])
        at = quote + 1
    raise not_json("the request's JSON has more parts than any request needs; send a flat object")


def _is_escaped(before: bytes) -> bool:
    """Whether a quotation mark belongs to the text: an odd number of backslashes stands before it."""
    return bool((len(before) - len(before.rstrip(b"\\"))) % 2)


def field(fields: Mapping[str, Any], name: str, kind: type, default: Any = None) -> Any:
    """The value of a field, of exactly the type `kind`; 422 names the field. default None: it must be there."""
    if name not in fields and default is not None:
        return default
    if name not in fields:
        raise invalid_field(f"the field {name!r} is missing; it is {_TYPE_NAMES[kind]}")
    if type(fields[name]) is not kind:
        raise invalid_field(f"the field {name!r} must be {_TYPE_NAMES[kind]}")
    return fields[name]


def only(fields: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    """422 where the request has another field: a misspelt one would be ignored without a word."""
    if not set(fields) <= set(allowed):
        raise invalid_field(f"the request has a field that is not one of {', '.join(allowed)}")


def texts(fields: Mapping[str, Any], name: str, most: int) -> list[str]:
    """A list of 1 to `most` texts."""
    values = field(fields, name, list)
    if not 1 <= len(values) <= most:
        raise invalid_field(f"the field {name!r} has {len(values)} items; it takes 1 to {most}")
    wrong = [number for number, value in enumerate(values) if type(value) is not str]
    if wrong:
        raise invalid_field(f"the field '{name}[{wrong[0]}]' must be a text")
    return values


def picture_bytes(text: str, max_bytes: int) -> bytes:
    """The bytes of a picture in Base64 or in a data URI; 400 or 413 where there are none or too many."""
    try:
        return decode_base64(text, max_bytes)
    except PayloadError as fault:
        raise of_picture(fault) from None
