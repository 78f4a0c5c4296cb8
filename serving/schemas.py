"""The pieces of which the routes' OpenAPI descriptions are made."""

from typing import Any

from cxr.imaging.decode import ACCEPTED
from cxr.outcomes.records import ID_PATTERN

Schema = dict[str, Any]  # a part of an OpenAPI document
TEXT: Schema = {"type": "string"}
PROBABILITY: Schema = {"type": "number", "minimum": 0, "maximum": 1}
# "picture" and "picture-file" are formats of ours, so that a tester can give valid values: see the description.
PICTURE: Schema = {
    "type": "string",
    "format": "picture",
    "description": f"A file of {ACCEPTED} in Base64, with or without a data URI's head; line breaks are fine, and so "
    "is the URL-safe alphabet.",
}
PICTURE_FILE: Schema = {"type": "string", "format": "picture-file", "contentMediaType": "application/octet-stream"}
EXPLAIN: Schema = {"type": "boolean", "default": False, "description": "With a heat map."}
WINNER: Schema = {"type": "string", "pattern": r"^\d{1,3}\.\d\d% (NonCOVID|COVID)$"}
PLAIN_TEXT: Schema = {"text/plain": {"schema": TEXT}}

ANSWER_ID: Schema = {"type": "string", "pattern": ID_PATTERN}
ID_HEADER = "X-Answer-Id"
_ID_HEADER = "Of the answer, for POST /feedback. Only where ids are given."

_STATUS_WORDS = {
    400: "Not Base64, not JSON, cut off, or a damaged picture.",
    401: "The API key is missing or wrong.",
    403: "The model is not for use at this site, its commissioning is out of date, or no outcomes are taken; asking "
    "again changes nothing.",
    404: "No answer has this id.",
    408: "The request took too long to arrive.",
    410: "The answer is too old.",
    413: "Too many bytes or too many pixels.",
    415: "Not a picture, or not the media type that the route takes.",
    422: "A field is wrong; the message names it.",
    429: "The key has asked too often; Retry-After says when to come back.",
    500: "A fault of the service.",
    503: "Too many requests at once, or the outcome cannot be kept; Retry-After says when to come back.",
    504: "The answer took too long.",
}
_POST_ERRORS = (400, 403, 408, 413, 415, 422, 500, 503, 504)


def posting(summary: str, request: Schema, answer: Schema, errors: tuple[int, ...] = ()) -> Schema:
    """The operation of a POST. request, answer: media type to its schema, as `json_of` gives. errors: the statuses
    besides those of every POST."""
    statuses = tuple(sorted((*_POST_ERRORS, *errors)))
    return telling(summary, answer, statuses) | {"requestBody": {"required": True, "content": request}}


def with_id_header(operation: Schema) -> Schema:
    """The operation of an answer that has its id in a header too, where ids are given."""
    told = {"description": _ID_HEADER, "required": False, "schema": ANSWER_ID}
    operation["responses"]["200"]["headers"] = {ID_HEADER: told}
    return operation


def telling(summary: str, answer: Schema, errors: tuple[int, ...] = ()) -> Schema:
    """The operation of a GET. errors: the statuses besides 200."""
    good = {"description": "The answer.", "content": answer}
    return {"summary": summary, "responses": {"200": good} | {str(status): error(status) for status in errors}}


def error(status: int) -> Schema:
    """The response with an error's status, one of _STATUS_WORDS."""
    response: Schema = {"description": _STATUS_WORDS[status], "content": json_of(ref("Error"))}
    if status in (429, 503):
        seconds = {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 1}}
        response["headers"] = {"Retry-After": seconds}
    return response


def json_of(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def ref(name: str) -> Schema:
    """A schema of serving/openapi.py's components by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(properties: dict[str, Schema], required: list[str]) -> Schema:
    """An object with no other fields than these."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
