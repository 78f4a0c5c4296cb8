"""What each route does: read the request, ask the model in a thread, say the answer in the route's form."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cxr.common.errors import ImageError
from cxr.imaging.decode import decode
from cxr.inference.answer import Answer, answer
from cxr.inference.predictor import Predictor
from serving.champion import Champion, identity_of, public_facts
from serving.errors import ServiceError, error_body, of_picture, too_slow
from serving.load import Load
from serving.metrics import Metrics
from serving.multipart import form_field
from serving.requests import check_media_type, field, json_object, only, picture_bytes, read_body, texts
from serving.settings import Settings

SOMETIMES = ("heatmap", "lung_share", "reason")  # fields that not every answer has
ANSWER_WITHIN_S = 50  # from the whole request on; a picture that is being worked on is finished first


class OriginalJson(JSONResponse):
    """JSON with the spaces that the original sent: its clients get the same bytes."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()


class Routes:
    """The handlers of everything that asks the model."""

    def __init__(self, settings: Settings, champion: Champion, load: Load, metrics: Metrics):
        self._settings, self._champion, self._load, self._metrics = settings, champion, load, metrics

    def table(self) -> list[Route]:
        posted: dict[str, Callable[..., Any]] = {
            "/predict": self.predict,
            "/predict/batch": self.predict_batch,
            "/sendbase64": self.sendbase64,
            "/upload": self.upload,
        }
        routes = [Route(path, handler, methods=["POST"]) for path, handler in posted.items()]
        return [*routes, Route("/model", self.model)]

    async def predict(self, request: Request) -> Response:
        async with self._json(request) as fields:
            only(fields, ("image", "explain"))
            explain = field(fields, "explain", bool, default=False)
            text = field(fields, "image", str)
            return JSONResponse(await self._load.work(request, self._predict, text, explain))

    async def predict_batch(self, request: Request) -> Response:
        """One result per picture, in order; a bad picture's result is its error."""
        async with self._json(request) as fields:
            only(fields, ("images", "explain"))
            explain = field(fields, "explain", bool, default=False)
            images = texts(fields, "images", self._settings.max_batch)
            self._metrics.batch.observe(len(images))
            # One turn per picture, so that a batch does not keep single pictures waiting.
            results = [await self._load.work(request, self._result, text, explain) for text in images]
            return JSONResponse({"results": results})

    async def sendbase64(self, request: Request) -> Response:
        """The original's route: the likelier class and its probability as a text."""
        async with self._json(request) as fields:
            text = field(fields, "pic", str)
            return OriginalJson({"percentage": await self._load.work(request, self._winner_of_text, text)})

    async def upload(self, request: Request) -> Response:
        """The original's route for a form with a file."""
        check_media_type(request, "multipart/form-data")
        async with self._body(request) as body:
            data = form_field(body, request.headers.get("content-type", ""), "pic")
            return PlainTextResponse(await self._load.work(request, self._winner, data))

    async def model(self, request: Request) -> Response:
        return JSONResponse(
            public_facts(self._champion.facts.document) | {"precision": self._champion.model.engine.precision}
        )

    @asynccontextmanager
    async def _json(self, request: Request) -> AsyncIterator[dict[str, Any]]:
        check_media_type(request, "application/json")
        async with self._body(request) as body:
            yield json_object(body)

    @asynccontextmanager
    async def _body(self, request: Request) -> AsyncIterator[bytes]:
        """The request's body, and a place among the requests until it is answered."""
        async with self._load.place() as place:
            body = await read_body(request, place, self._settings.max_body, self._settings.body_timeout_s)
            try:
                with anyio.fail_after(ANSWER_WITHIN_S):
                    yield body
            except TimeoutError:
                raise too_slow() from None

    def _predict(self, text: str, explain: bool) -> dict[str, Any]:
        model = self._champion.model  # once: it may be replaced between two looks
        said = self._answer(model, picture_bytes(text, self._settings.max_bytes), explain)
        return answer_fields(said) | {"model": identity_of(model)}

    def _result(self, text: str, explain: bool) -> dict[str, Any]:
        try:
            return self._predict(text, explain)
        except ServiceError as fault:
            self._metrics.errors.labels("/predict/batch", fault.code).inc()
            return error_body(fault)

    def _winner_of_text(self, text: str) -> str:
        return self._winner(picture_bytes(text, self._settings.max_bytes))

    def _winner(self, data: bytes) -> str:
        said = self._answer(self._champion.model, data, explain=False)
        if said.reason is not None:  # the original's form has no words for a refusal
            raise ServiceError(422, said.reason.code, said.reason.message)
        return said.winner

    def _answer(self, model: Predictor, data: bytes, explain: bool) -> Answer:
        if len(data) > self._settings.max_bytes:
            raise ServiceError(
                413, "too_large", f"the picture has more than {self._settings.max_bytes} bytes; send a smaller one"
            )
        try:
            picture = decode(data, max_pixels=self._settings.max_pixels)
        except ImageError as fault:
            raise of_picture(fault) from None
        said = answer(model, picture, explain=explain)
        self._count(said)
        return said

    def _count(self, said: Answer) -> None:
        self._metrics.answers.labels(said.state).inc()
        if said.reason is not None:
            self._metrics.refusals.labels(said.reason.code).inc()


def answer_fields(said: Answer) -> dict[str, Any]:
    """The contract's fields; those of SOMETIMES only where there is one."""
    fields = asdict(said)
    return {name: value for name, value in fields.items() if name not in SOMETIMES or value is not None}
