"""The routes of the original system, whose clients get the same bytes as before."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from serving.context import Context
from serving.multipart import form_field
from serving.requests import check_media_type, field
from serving.routing import Routes
from serving.schemas import PICTURE, PICTURE_FILE, WINNER, Schema, json_of, object_of, posting, with_id_header
from serving.settings import Settings

ROUTES = Routes()


class OriginalJson(JSONResponse):
    """JSON with the spaces that the original sent."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()


def _of_sendbase64(settings: Settings) -> Schema:
    operation = posting(
        "The original's route for clients that send Base64: the likelier class and its probability.",
        json_of({"type": "object", "properties": {"pic": PICTURE}, "required": ["pic"]}),
        json_of(object_of({"percentage": WINNER}, ["percentage"])),
    )
    return with_id_header(operation)


@ROUTES.post(
    "/sendbase64",
    openapi=_of_sendbase64,
    request='`{"pic": "<Base64 or data URI>"}`',
    answer='`{"percentage": "97.12% COVID"}`: the likelier class, as the original said it',
)
async def sendbase64(context: Context, request: Request) -> Response:
    """The likelier class and its probability as a text."""
    async with context.json(request) as fields:
        text = field(fields, "pic", str)
        winner, headers = await context.load.work(request, context.winner_of_text, text)
        return OriginalJson({"percentage": winner}, headers=headers)


def _of_upload(settings: Settings) -> Schema:
    form = {"type": "object", "properties": {"pic": PICTURE_FILE}, "required": ["pic"]}
    operation = posting(
        "The original's route for a form with a file: the likelier class and its probability.",
        {"multipart/form-data": {"schema": form}},
        {"text/plain": {"schema": WINNER}},
    )
    return with_id_header(operation)


@ROUTES.post(
    "/upload",
    openapi=_of_upload,
    request="form with the file field `pic`",
    answer="`97.12% COVID` as plain text",
)
async def upload(context: Context, request: Request) -> Response:
    """As `sendbase64`, for a form with a file."""
    check_media_type(request, "multipart/form-data")
    async with context.body(request) as body:
        data = await context.parsed(request, form_field, body, request.headers.get("content-type", ""), "pic")
        winner, headers = await context.load.work(request, context.winner, data)
        return PlainTextResponse(winner, headers=headers)
