"""The ASGI application: the routes and what surrounds them, outermost first."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.champion import Champion
from serving.errors import ServiceError, on_http_error, on_service_error
from serving.load import Load
from serving.metrics import Metrics
from serving.middleware import ApiKey, CatchAll, Observe, Secure, cross_origin
from serving.openapi import openapi
from serving.pages import Pages
from serving.routes import Routes
from serving.settings import Settings


def create_app(settings: Settings, champion: Champion, metrics: Metrics, web: Path) -> ASGIApp:
    """web: the folder of the page's files."""
    load = Load(settings.max_requests, settings.held_bytes, settings.pictures_at_once)
    asking = Routes(settings, champion, load, metrics).table()
    described = JSONResponse(openapi(settings))

    async def docs(request: Request) -> Response:
        return described

    probes = [Route(path, healthy) for path in ("/livez", "/readyz", "/healthz")]
    routes = [*asking, *probes, Route("/docs.json", docs), Route("/metrics", metrics.page)]
    pages = Pages(web)
    app: ASGIApp = Router(routes, default=pages, redirect_slashes=False)
    if settings.api_key:
        app = ApiKey(app, settings.api_key, [route.path for route in asking])
    app = ExceptionMiddleware(app, {ServiceError: on_service_error, HTTPException: on_http_error})
    app = CatchAll(app)
    if settings.cors_origins:
        app = cross_origin(app, settings.cors_origins)
    return Observe(Secure(app), metrics, [route.path for route in routes], pages)


async def healthy(request: Request) -> Response:
    """There is no unhealthy answer: this application only exists with a model that is loaded and warm."""
    return PlainTextResponse("\n")


class Front:
    """Stands before BentoML's application and takes every request: BentoML's own routes would answer errors in
    other forms, and its index page loads from other hosts."""

    app: ASGIApp  # set when the model is loaded; the server takes no request before

    def before(self, bentoml_app: ASGIApp) -> ASGIApp:
        async def front(scope: Scope, receive: Receive, send: Send) -> None:
            await (self.app if scope["type"] == "http" else bentoml_app)(scope, receive, send)

        return front
