"""What each route does: read the request, ask the model in a thread, say the answer in the route's form."""

from dataclasses import asdict
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cxr.answer import Answer, answer
from cxr.errors import ImageError
from cxr.images import decode
from serving.champion import Champion
from serving.errors import ServiceError, of_picture
from serving.requests import check_media_type, field, json_object, only, picture_bytes, read_body
from serving.settings import Settings


class Routes:
    """The handlers; `champion` is set when the service starts."""

    champion: Champion

    def __init__(self, settings: Settings):
        self._settings = settings

    def table(self) -> list[Route]:
        return [
            Route("/predict", self.predict, methods=["POST"]),
            Route("/sendbase64", self.sendbase64, methods=["POST"]),
        ]

    async def predict(self, request: Request) -> Response:
        fields = await self._json(request)
        only(fields, ("image", "explain"))
        explain = field(fields, "explain", bool, default=False)
        text = field(fields, "image", str)
        return JSONResponse(await anyio.to_thread.run_sync(self._predict, text, explain))

    async def sendbase64(self, request: Request) -> Response:
        """The original's route: its answer is the likelier class as a text."""
        text = field(await self._json(request), "pic", str)
        said = await anyio.to_thread.run_sync(self._answer, text, False)
        return OriginalJson({"percentage": winner(said)})

    async def _json(self, request: Request) -> dict[str, Any]:
        check_media_type(request, "application/json")
        return json_object(await read_body(request, self._settings.max_body))

    def _predict(self, text: str, explain: bool) -> dict[str, Any]:
        return answer_fields(self._answer(text, explain)) | {"model": self.champion.identity}

    def _answer(self, text: str, explain: bool) -> Answer:
        data = picture_bytes(text, self._settings.max_bytes)
        try:
            picture = decode(data, max_pixels=self._settings.max_pixels)
        except ImageError as fault:
            raise of_picture(fault) from None
        return answer(self.champion.engine, picture, explain=explain)


class OriginalJson(JSONResponse):
    """JSON with the spaces that the original's Flask sent."""

    def render(self, content: Any) -> bytes:
        import json

        return json.dumps(content).encode()


def answer_fields(said: Answer) -> dict[str, Any]:
    """The contract's fields; heatmap and reason only where there is one."""
    fields = asdict(said)
    return {name: value for name, value in fields.items() if name not in ("heatmap", "reason") or value is not None}


def winner(said: Answer) -> str:
    if said.reason is not None:
        raise ServiceError(422, said.reason.code, said.reason.message)
    return said.winner
