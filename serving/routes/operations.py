"""What operators and their tools ask: metrics, probes, the OpenAPI document. None of them wants the API key."""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from serving.context import Context
from serving.errors import unsound
from serving.routing import Routes
from serving.schemas import PLAIN_TEXT, telling

ROUTES = Routes()


@ROUTES.get(
    "/metrics",
    openapi=lambda settings: telling("Counts for Prometheus.", PLAIN_TEXT, (500,)),
    answer="counts for Prometheus",
)
async def metrics(context: Context, request: Request) -> Response:
    return await context.metrics.page(request)


@ROUTES.get(
    "/livez",
    openapi=lambda settings: telling("Whether the process runs.", PLAIN_TEXT),
    answer="200 while the process runs",
)
async def livez(context: Context, request: Request) -> Response:
    return _healthy()


@ROUTES.get(
    "/readyz",
    openapi=lambda settings: telling("Whether the model is loaded and gives sound answers.", PLAIN_TEXT, (503,)),
    answer="200 when the model is loaded and warm; 503 when its last answers were no answers",
)
async def readyz(context: Context, request: Request) -> Response:
    return _readiness(context)


@ROUTES.get("/healthz", openapi=None, answer="as `/readyz`, by another usual name")
async def healthz(context: Context, request: Request) -> Response:
    return _readiness(context)


def _healthy() -> Response:
    return PlainTextResponse("\n")


def _readiness(context: Context) -> Response:
    """This application only exists with a model that was loaded and warm. One that cannot be replaced still answers, so
    a look for another that failed is told but leaves the service ready."""
    if not context.champion.ready:
        raise unsound(503)
    return PlainTextResponse("\n" if context.champion.following else "the last look for another model failed\n")


@ROUTES.get("/docs.json", openapi=None, answer="OpenAPI 3.1: every field and status")
async def docs(context: Context, request: Request) -> Response:
    return JSONResponse(context.document)
