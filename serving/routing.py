"""The registry of routes: a route is one function with its path, its OpenAPI description and its line of docs.

From the registry follow the addresses that the service answers, the document at /docs.json, the labels of the metrics,
the paths that want the API key, and the table in docs/serving.md (a test compares).
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from serving.context import Context
from serving.schemas import Schema
from serving.settings import Settings

FOR_OPERATORS = ("/metrics", "/docs.json", "/schema.json")  # that CXR_KEY_FOR_OPERATORS puts behind the key
Method = Literal["GET", "POST"]
Handler = Callable[[Context, Request], Awaitable[Response]]
Describe = Callable[[Settings], Schema]


@dataclass(frozen=True)
class Route:
    """One entry. request, answer: cells of the table in docs/serving.md, in Markdown. openapi: gives the OpenAPI
    operation; None leaves the route out of the document. needs_key: wants X-API-Key where a key is set. label: of
    the route in metrics and in the log."""

    method: Method
    path: str
    handler: Handler
    request: str
    answer: str
    openapi: Describe | None
    needs_key: bool
    label: str

    def bound(self, context: Context) -> StarletteRoute:
        """The route as Starlette takes it."""

        async def endpoint(request: Request) -> Response:
            return await self.handler(context, request)

        return StarletteRoute(self.path, endpoint, methods=[self.method])

    def wants_key(self, settings: Settings) -> bool:
        """Whether it wants a key under these settings."""
        for_operators = settings.key_for_operators and self.path in FOR_OPERATORS
        return settings.wants_key and bool(self.needs_key or for_operators)

    def row(self) -> str:
        """The route's line in the table of docs/serving.md."""
        return f"| `{self.method} {self.path}` | {self.request} | {self.answer} |".replace("|  |", "| |")


class Routes:
    """An ordered collection of routes with distinct paths. `Routes(*ROUTES)` is a copy to add to."""

    def __init__(self, *routes: Route):
        self._routes: dict[str, Route] = {}
        for route in routes:
            self.add(route)

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes.values())

    def add(self, route: Route) -> None:
        """Raises ValueError where the path is taken or has a parameter.

        A parameter would put what a client chose into addresses, which proxies log, and into labels."""
        if "{" in route.path or not route.path.startswith("/"):
            raise ValueError(f"the path {route.path!r} must start with / and have no parameter; use the request's body")
        if route.path in self._routes:
            raise ValueError(f"the path {route.path!r} has a route already; choose another")
        self._routes[route.path] = route

    def get(self, path: str, *, answer: str, openapi: Describe | None, needs_key: bool = False) -> "Decorator":
        """Make the decorated function the answer to GET `path`."""

        def register(handler: Handler) -> Handler:
            self.add(Route("GET", path, handler, "", answer, openapi, needs_key, path))
            return handler

        return register

    def post(self, path: str, *, request: str, answer: str, openapi: Describe, needs_key: bool = True) -> "Decorator":
        """Make the decorated function the answer to POST `path`."""

        def register(handler: Handler) -> Handler:
            self.add(Route("POST", path, handler, request, answer, openapi, needs_key, path))
            return handler

        return register

    def labels(self) -> dict[str, str]:
        """Path to label: all that metrics and the log ever say about a route."""
        return {route.path: route.label for route in self}

    def paths_with_key(self, settings: Settings) -> list[str]:
        """The paths that want a key where one is set."""
        return [route.path for route in self if route.wants_key(settings)]


Decorator = Callable[[Handler], Handler]
