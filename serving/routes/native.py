"""The routes of BentoML's own clients: the front reads and checks, BentoML calls the method of service.py."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from serving.bridge import PICKLE, Call, refuse_pickles, through
from serving.context import Context
from serving.errors import fault_of_ours
from serving.multipart import form_fields, form_files
from serving.native import BATCH
from serving.requests import field, flag, json_object, media_type, only, texts, unsupported_media_type
from serving.routes.model import MODEL_FACTS
from serving.routes.predict import FORM, JSON
from serving.routing import Routes
from serving.schemas import (
    EXPLAIN,
    PICTURE,
    PICTURE_FILE,
    TEXT,
    Schema,
    json_of,
    object_of,
    posting,
    ref,
    telling,
)
from serving.settings import Settings

ROUTES = Routes()
Fields = Mapping[str, Any]


def _taking(settings: Settings, name: str, in_form: Schema, in_json: Schema) -> Schema:
    form = {"type": "object", "properties": {name: in_form, "explain": EXPLAIN}, "required": [name]}
    return {FORM: {"schema": form}} | json_of(object_of({name: in_json, "explain": EXPLAIN}, [name]))


def _of_predict(settings: Settings) -> Schema:
    taking = _taking(settings, "image", PICTURE_FILE, PICTURE)
    return posting("As POST /predict, for BentoML's clients: `predict`.", taking, json_of(ref("Answer")))


@ROUTES.post(
    "/api/predict",
    openapi=_of_predict,
    request="form with the file field `image` and `explain`; or JSON as `/predict`",
    answer="as `/predict`: `predict` of BentoML's clients",
)
async def predict(context: Context, request: Request) -> Response:
    return await _called(context, request, _one_picture)


def _one_picture(body: bytes, kind: str, content_type: str, settings: Settings) -> Fields:
    if kind == FORM:
        parts = form_fields(body, content_type, "image", "explain")
        return {"image": parts["image"], "explain": _flag(parts.get("explain"))}
    fields = json_object(body, settings.max_json_marks)
    only(fields, ("image", "explain"))
    return {"image": field(fields, "image", str), "explain": field(fields, "explain", bool, default=False)}


def _of_batch(settings: Settings) -> Schema:
    bounds = {"minItems": 1, "maxItems": settings.max_batch}
    # In a form, one picture and a list of one look alike.
    files = bounds | {"type": ["array", "string"], "items": PICTURE_FILE}
    in_json = bounds | {"type": "array", "items": {"anyOf": [PICTURE, TEXT]}}
    taking = _taking(settings, "images", files, in_json)
    results = {"type": "array", "items": {"anyOf": [ref("Answer"), ref("Error")]}}
    said = json_of(object_of({"results": results}, ["results"]))
    return posting("As POST /predict/batch, for BentoML's clients: `predict_batch`.", taking, said)


@ROUTES.post(
    BATCH,
    openapi=_of_batch,
    request="form with file fields `images` and `explain`; or JSON as `/predict/batch`",
    answer="as `/predict/batch`: `predict_batch` of BentoML's clients",
)
async def predict_batch(context: Context, request: Request) -> Response:
    return await _called(context, request, _several_pictures)


def _several_pictures(body: bytes, kind: str, content_type: str, settings: Settings) -> Fields:
    if kind == FORM:
        parts = form_files(body, content_type, "images", settings.max_batch, "explain")
        return {"images": parts["images"], "explain": _flag(*parts.get("explain", ()))}
    fields = json_object(body, settings.max_json_marks)
    only(fields, ("images", "explain"))
    explain = field(fields, "explain", bool, default=False)
    return {"images": texts(fields, "images", settings.max_batch), "explain": explain}


def _of_info(settings: Settings) -> Schema:
    nothing = json_of(object_of({}, []))
    operation = posting("As GET /model, for BentoML's clients: `model_info`.", nothing, json_of(MODEL_FACTS))
    operation["requestBody"]["required"] = False
    return operation


@ROUTES.post(
    "/api/model_info",
    openapi=_of_info,
    request="`{}`",
    answer="as `/model`: `model_info` of BentoML's clients",
)
async def model_info(context: Context, request: Request) -> Response:
    return await _called(context, request, _nothing)


def _nothing(body: bytes, kind: str, content_type: str, settings: Settings) -> Fields:
    if kind == FORM:
        raise unsupported_media_type(JSON)
    if body:
        only(json_object(body, settings.max_json_marks), ())
    return {}


@ROUTES.get(
    "/schema.json",
    openapi=lambda settings: telling("BentoML's description of its methods.", json_of({"type": "object"}), (500,)),
    answer="BentoML's description of `predict`, `predict_batch` and `model_info`, for its clients",
)
async def schema(context: Context, request: Request) -> Response:
    return await _behind(context, Call(request, {}))


async def _called(context: Context, request: Request, read: Any) -> Response:
    """BentoML's answer to what `read` makes of the request's body."""
    kind = media_type(request, JSON)
    if kind == PICKLE:
        refuse_pickles(request)
    elif kind not in (JSON, FORM):
        raise unsupported_media_type(f"{FORM} or {JSON}")
    async with context.body(request) as body:
        if kind == PICKLE:
            return await _behind(context, Call(request, None, body.take()))
        content_type = request.headers.get("content-type", "")
        fields = await context.parsed(request, read, body, kind, content_type, context.settings)
        return await _behind(context, Call(request, fields))


async def _behind(context: Context, call: Call) -> Response:
    if context.behind is None:  # the front runs without BentoML
        raise fault_of_ours()
    return await through(context.behind, call)


def _flag(value: bytes | None = None) -> bool:
    return flag("explain", (value or b"false").decode("ascii", "replace"))
