"""What every request passes through before its route: counting, security headers, the key, and the answer to faults."""

import logging
import time
import traceback
from collections.abc import Collection, Container, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.bridge import within
from serving.errors import error_response, fault_of_ours, too_often, unauthorised
from serving.keys import Keys, Rates
from serving.metrics import Metrics
from serving.pages import STRICTEST_POLICY
from serving.schemas import ID_HEADER
from serving.tracing import name_only

logger = logging.getLogger("bentoml.covid_cxr")

CLIENT_PATHS = ("/api/predict", "/api/predict_batch", "/api/model_info", "/schema.json")
METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": STRICTEST_POLICY,  # of an answer; a page brings its own
    "Cache-Control": "no-store",  # an answer is about a patient
}


class Observe:
    """Counts each request and writes one line about it, with the name of its key. Neither the path nor anything else
    that the client chose is written or becomes a label: a path may be a file's name, and clients can make up any number
    of paths."""

    def __init__(self, app: ASGIApp, metrics: Metrics, labels: Mapping[str, str], pages: Container[str]):
        """labels: path to label of each route."""
        self._app = app
        self._metrics = metrics
        self._labels = labels
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0
        scope.setdefault("state", {})
        name_only(self._route(scope["path"]))
        scope.setdefault("app", self)  # tells the router that somebody turns its errors into answers

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        with self._metrics.in_progress.track_inprogress():
            await self._app(scope, receive, noting)
        self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = self._route(scope["path"])
        code = scope["state"].get("error_code", "")
        self._metrics.requests.labels(route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if code:
            self._metrics.errors.labels(route, code).inc()
        method = scope["method"] if scope["method"] in METHODS else "other"
        key = scope["state"].get("key_name", "")
        said = f"{code} " if code else ""
        logger.info("%s %s %d %s%.0f ms%s", method, route, status, said, 1000 * seconds, f" key={key}" if key else "")

    def _route(self, path: str) -> str:
        if path in self._labels:
            return self._labels[path]
        return "page" if path in self._pages else "unknown"


class Secure:
    """Adds the headers that keep browsers from guessing media types, framing, sending referrers and keeping copies."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, adding)


def cross_origin(app: ASGIApp, origins: Collection[str]) -> ASGIApp:
    """Lets the pages of named origins call (CORS). For others it grants nothing, and their browser refuses."""
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "POST"),
        allow_headers=("Content-Type", "X-API-Key"),
        expose_headers=("Retry-After", ID_HEADER),
        max_age=600,
    )


class ApiKey:
    """401 on the given paths without one of the keys, 429 for a key that asks too often. The log gets its name.

    BentoML's clients send their token as `Authorization: Bearer`, so their paths take a key there too. A service that
    depends on this one needs none: it asks over a socket that only its own processes can open."""

    def __init__(self, app: ASGIApp, keys: Keys, rates: Rates, paths: Collection[str]):
        self._app = app
        self._keys = keys
        self._rates = rates
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in self._paths and not within(scope):
            name = self._keys.name_of(_key_of(scope))
            if name is None:
                raise unauthorised()
            scope["state"]["key_name"] = name
            wait_s = self._rates.wait_s(name)
            if wait_s:
                raise too_often(wait_s)
        await self._app(scope, receive, send)


def _key_of(scope: Scope) -> str:
    headers = Headers(scope=scope)
    kind, _, token = headers.get("authorization", "").partition(" ")
    by_token = scope["path"] in CLIENT_PATHS and kind.lower() == "bearer"
    return headers.get("x-api-key", token.strip() if by_token else "")


class CatchAll:
    """Answers 500 in the one form where the service itself fails. The log gets the place and the kind of the fault,
    not its text, which may quote what the client sent."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as fault:  # noqa: BLE001 - nothing outside turns it into an answer
            frames = "".join(traceback.format_tb(fault.__traceback__))
            logger.error("a fault of the service: %s\n%s", type(fault).__name__, frames)
            if not started:
                answer = error_response(Request(scope), fault_of_ours())
                await answer(scope, receive, send)
