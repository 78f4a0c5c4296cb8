"""The OpenAPI document at /docs.json: every route, every field, every status that it may answer."""

from typing import Any

from cxr.common.labels import CLASSES, REFUSED
from cxr.imaging.decode import ACCEPTED
from cxr.inference.answer import REFUSALS, WARNINGS
from serving.settings import Settings

Schema = dict[str, Any]
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
WINNER = r"^\d{1,3}\.\d\d% (NonCOVID|COVID)$"

_STATUS_WORDS = {
    400: "Not Base64, not JSON, cut off, or a damaged picture.",
    401: "The API key is missing or wrong.",
    408: "The request took too long to arrive.",
    413: "Too many bytes or too many pixels.",
    415: "Not a picture, or not the media type that the route takes.",
    422: "A field is wrong; the message names it.",
    500: "A fault of the service.",
    503: "Too many requests at once; Retry-After says when to come back.",
    504: "The answer took too long.",
}
_POST_ERRORS = (400, 408, 413, 415, 422, 500, 503, 504)


def openapi(settings: Settings) -> dict[str, Any]:
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "covid-cxr",
            "version": "1",
            "description": "COVID-19 against the rest on frontal chest X-rays. Not a medical device.",
        },
        "paths": _asking(settings) | _telling(),
        "components": {"schemas": _schemas()},
    }
    if settings.api_key:
        document["components"]["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
        for path in ("/predict", "/predict/batch", "/sendbase64", "/upload", "/model"):
            for operation in document["paths"][path].values():
                operation["security"] = [{"key": []}]
                operation["responses"]["401"] = _error(401)
    return document


def _asking(settings: Settings) -> dict[str, Any]:
    explain = {"type": "boolean", "default": False, "description": "With a heat map."}
    # Any text is accepted in a batch: what is not a picture has its error among the results.
    images = {"type": "array", "items": {"anyOf": [PICTURE, TEXT]}, "minItems": 1, "maxItems": settings.max_batch}
    results = {"type": "array", "items": {"anyOf": [_ref("Answer"), _ref("Error")]}}
    winner = {"type": "string", "pattern": WINNER}
    return {
        "/predict": _post(
            "Ask about one picture.",
            _json(_object({"image": PICTURE, "explain": explain}, ["image"])),
            _json(_ref("Answer")),
        ),
        "/predict/batch": _post(
            "Ask about several pictures: a result for each, in order; one that fails does not fail the others.",
            _json(_object({"images": images, "explain": explain}, ["images"])),
            _json(_object({"results": results}, ["results"])),
        ),
        "/sendbase64": _post(
            "The original's route for clients that send Base64: the likelier class and its probability.",
            _json({"type": "object", "properties": {"pic": PICTURE}, "required": ["pic"]}),
            _json(_object({"percentage": winner}, ["percentage"])),
        ),
        "/upload": _post(
            "The original's route for a form with a file: the likelier class and its probability.",
            {
                "multipart/form-data": {
                    "schema": {"type": "object", "properties": {"pic": PICTURE_FILE}, "required": ["pic"]}
                }
            },
            {"text/plain": {"schema": winner}},
        ),
    }


def _telling() -> dict[str, Any]:
    stamp = {"type": "boolean", "description": "Whether the shortcut audit failed the model or could not clear it."}
    audit = _object({"reasons": {"type": "array", "items": TEXT}, "measured": {"type": "object"}}, ["reasons"])
    known = {"shortcut_flagged": stamp, "audit": audit | {"description": _AUDIT}}
    facts = {"type": "object", "properties": known, "required": ["name", "version", "backbone", "threshold"]}
    plain = {"text/plain": {"schema": TEXT}}
    return {
        "/model": {"get": _operation("The facts about the model that answers.", _json(facts), (500,))},
        "/metrics": {"get": _operation("Counts for Prometheus.", plain, (500,))},
        "/livez": {"get": _operation("Whether the process runs.", plain)},
        "/readyz": {"get": _operation("Whether the model is loaded and warm.", plain)},
    }


def _schemas() -> dict[str, Schema]:
    remark = _object({"code": TEXT, "message": TEXT}, ["code", "message"])
    nullable = {"anyOf": [_object(dict.fromkeys(CLASSES, PROBABILITY), list(CLASSES)), {"type": "null"}]}
    answer: dict[str, Schema] = {
        "state": {"enum": [*CLASSES, REFUSED]},
        "percentage": {"type": ["number", "null"], "minimum": 0, "maximum": 100, "description": "Of the state."},
        "probabilities": nullable,
        "threshold": PROBABILITY | {"description": "The state is COVID from this probability of COVID on."},
        "warnings": {"type": "array", "items": remark, "description": f"Codes: {', '.join(WARNINGS)}."},
        "heatmap": {"type": "string", "pattern": "^data:image/png;base64,", "description": _HEATMAP},
        "lung_share": PROBABILITY | {"description": _LUNG_SHARE},
        "reason": remark | {"description": f"Of a refusal. Codes: {', '.join(REFUSALS)}."},
        "model": _object(dict.fromkeys(("name", "version", "backbone"), TEXT), ["name", "version", "backbone"]),
    }
    always = [name for name in answer if name not in ("heatmap", "lung_share", "reason")]
    return {
        "Answer": _object(answer, always),
        "Error": _object({"error": _object({"code": TEXT, "message": TEXT}, ["code", "message"])}, ["error"]),
    }


_HEATMAP = (
    "A small transparent PNG to be stretched over the picture: each place's exact share of the decision, orange "
    "towards COVID, blue away from it."
)
_LUNG_SHARE = (
    "Of the heat map's absolute weight, what lies inside the lungs, as the model's own lung segmenter finds them. Only "
    "with a heat map, and where lungs were found. Below one half the answer carries the warning outside_lungs."
)

_AUDIT = (
    "Why the model is stamped, and what the audit measured, by arm and subject: value, low and high of the interval, "
    "images, patients."
)


def _post(summary: str, request: Schema, answer: Schema) -> dict[str, Any]:
    operation = _operation(summary, answer, _POST_ERRORS)
    return {"post": operation | {"requestBody": {"required": True, "content": request}}}


def _operation(summary: str, answer: Schema, errors: tuple[int, ...] = ()) -> dict[str, Any]:
    good = {"description": "The answer.", "content": answer}
    return {"summary": summary, "responses": {"200": good} | {str(status): _error(status) for status in errors}}


def _error(status: int) -> dict[str, Any]:
    response: dict[str, Any] = {"description": _STATUS_WORDS[status], "content": _json(_ref("Error"))}
    if status == 503:
        seconds = {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 1}}
        response["headers"] = {"Retry-After": seconds}
    return response


def _json(schema: Schema) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: dict[str, Schema], required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
