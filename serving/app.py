"""The ASGI application: routes and the handlers of errors."""

from starlette.applications import Starlette

from serving.errors import ServiceError, on_service_error
from serving.routes import Routes


def create_app(routes: Routes) -> Starlette:
    return Starlette(routes=routes.table(), exception_handlers={ServiceError: on_service_error})
