"""Ask the model about one picture or about several."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from serving.context import Context, id_header
from serving.multipart import form_fields
from serving.requests import field, flag, media_type, only, texts, unsupported_media_type
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
    with_id_header,
)
from serving.settings import Settings

ROUTES = Routes()
BATCH = "/predict/batch"
JSON = "application/json"
FORM = "multipart/form-data"
DICOM = "application/dicom"
FILE_TYPES = ("image/*", DICOM)


def _of_predict(settings: Settings) -> Schema:
    fields = object_of({"image": PICTURE, "explain": EXPLAIN}, ["image"])
    form = {"type": "object", "properties": {"image": PICTURE_FILE, "explain": EXPLAIN}, "required": ["image"]}
    requests = json_of(fields) | {"multipart/form-data": {"schema": form}}
    requests |= {kind: {"schema": PICTURE_FILE} for kind in FILE_TYPES}
    asked = {"name": "explain", "in": "query", "required": False, "schema": EXPLAIN}
    operation = with_id_header(posting("Ask about one picture.", requests, json_of(ref("Answer"))))
    return operation | {"parameters": [asked]}


@ROUTES.post(
    "/predict",
    openapi=_of_predict,
    request='`{"image": "<Base64 or data URI>", "explain": false}`; or the file itself as `image/*` or '
    "`application/dicom`, or in the field `image` of a form, with `?explain=true`",
    answer="`state`, `percentage`, `probabilities`, `threshold`, `warnings`, `model`; `familiarity` where the model "
    "knows, `heatmap` and `lung_share` where asked for, `reason` where refused, `triage`, `site` and `profile` where "
    "commissioned, `id` where outcomes are asked for",
)
async def predict(context: Context, request: Request) -> Response:
    kind = media_type(request, JSON)
    explain = flag("explain", request.query_params.get("explain", "false"))
    if kind == JSON:
        async with context.json(request) as fields:
            only(fields, ("image", "explain"))
            explain = field(fields, "explain", bool, default=False) or explain
            text = field(fields, "image", str)
            return _told(await context.load.work(request, context.answer_to_text, text, explain))
    if kind != FORM and not kind.startswith("image/") and kind != DICOM:
        raise unsupported_media_type(f"{JSON}, image/*, {DICOM} or {FORM}")
    only(request.query_params, ("explain",))
    async with context.body(request) as body:
        data = body.take()
        if kind == FORM:
            data, explain = await context.load.work(request, _from_form, data, request.headers["content-type"], explain)
        return _told(await context.load.work(request, context.answer_to, data, explain))


def _told(fields: dict[str, Any]) -> Response:
    return JSONResponse(fields, headers=id_header(fields))


def _from_form(body: bytes, content_type: str, explain: bool) -> tuple[bytes, bool]:
    """The picture of a form, and whether the form or `explain` asks for a heat map."""
    fields = form_fields(body, content_type, "image", "explain")
    asked = fields.get("explain", b"false").decode("ascii", "replace")
    return fields["image"], flag("explain", asked) or explain


def _of_batch(settings: Settings) -> Schema:
    # Any text is accepted in a batch: what is not a picture has its error among the results.
    images = {"type": "array", "items": {"anyOf": [PICTURE, TEXT]}, "minItems": 1, "maxItems": settings.max_batch}
    results = {"type": "array", "items": {"anyOf": [ref("Answer"), ref("Error")]}}
    return posting(
        "Ask about several pictures: a result for each, in order; one that fails does not fail the others.",
        json_of(object_of({"images": images, "explain": EXPLAIN}, ["images"])),
        json_of(object_of({"results": results}, ["results"])),
    )


@ROUTES.post(
    BATCH,
    openapi=_of_batch,
    request='`{"images": ["…"], "explain": false}`',
    answer='`{"results": […]}`, in order, an answer or an error for each',
)
async def predict_batch(context: Context, request: Request) -> Response:
    """One result per picture, in order; a bad picture's result is its error."""
    async with context.json(request) as fields:
        only(fields, ("images", "explain"))
        explain = field(fields, "explain", bool, default=False)
        images = texts(fields, "images", context.settings.max_batch)
        context.metrics.batch.observe(len(images))
        # One turn per picture, so that a batch does not keep single pictures waiting.
        results = [await context.load.work(request, context.answer_or_error, text, explain, BATCH) for text in images]
        return JSONResponse({"results": results})
