"""The ASGI application: the routes and what surrounds them, outermost first."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from cxr.inference.remarks import Rules
from cxr.inference.rules import RULES
from cxr.outcomes.recorder import OutcomeRecorder
from serving.api_page import api_page_files
from serving.bentoml_metrics import counted_by_bentoml
from serving.champion import Champion
from serving.context import Context
from serving.errors import ServiceError, on_http_error, on_service_error
from serving.keys import Keys, Rates
from serving.load import Load
from serving.metrics import Metrics
from serving.middleware import ApiKey, CatchAll, Observe, Secure, cross_origin
from serving.openapi import openapi
from serving.pages import Pages
from serving.routes import ROUTES
from serving.routing import Routes
from serving.settings import Settings
from serving.watching import Watch, unwatched


def create_context(
    settings: Settings,
    champion: Champion,
    metrics: Metrics,
    *,
    routes: Routes = ROUTES,
    rules: Rules = RULES,
    behind: ASGIApp | None = None,
    watch: Watch = unwatched,
    outcomes: OutcomeRecorder | None = None,
) -> Context:
    """routes, rules: what the service answers, warns of and refuses. behind: BentoML's own application, if any. watch:
    told of each answer. outcomes: gives each its id."""
    if champion.site is not None:
        metrics.site.show(champion.site)
    load = Load(settings.max_requests, settings.held_bytes, settings.pictures_at_once)
    document = openapi(settings, routes, rules)
    return Context(settings, champion, load, metrics, rules, document, behind, watch, outcomes)


def create_app(context: Context, web: Path, routes: Routes = ROUTES) -> ASGIApp:
    """web: the folder of the page's files."""
    settings = context.settings
    pages = Pages(web, also=api_page_files())
    app: ASGIApp = Router([route.bound(context) for route in routes], default=pages, redirect_slashes=False)
    if settings.wants_key:
        keys = Keys(settings.api_key, Path(settings.keys_file) if settings.keys_file else None)
        app = ApiKey(app, keys, Rates(settings.key_rate), routes.paths_with_key(settings))
    app = ExceptionMiddleware(app, {ServiceError: on_service_error, HTTPException: on_http_error})
    app = CatchAll(app)
    if settings.cors_origins:
        app = cross_origin(app, settings.cors_origins)
    app = Observe(Secure(app), context.metrics, routes.labels(), pages)
    return counted_by_bentoml(app, routes.labels()) if context.behind else app


class Front:
    """Takes every HTTP request before BentoML's own application, whose routes would answer errors in other forms and
    whose index page loads files from other hosts."""

    app: ASGIApp  # set when the model is loaded; the server takes no request before
    behind: ASGIApp | None = None  # BentoML's own, which gets the requests that the front hands on

    def before(self, bentoml_app: ASGIApp) -> ASGIApp:
        self.behind = bentoml_app

        async def front(scope: Scope, receive: Receive, send: Send) -> None:
            await (self.app if scope["type"] == "http" else bentoml_app)(scope, receive, send)

        return front
