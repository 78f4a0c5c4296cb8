"""BentoML's own series, `bentoml_service_*`, beside ours: for dashboards that know every BentoML service."""

from collections.abc import Container

from starlette.types import ASGIApp, Receive, Scope, Send


def counted_by_bentoml(app: ASGIApp, paths: Container[str]) -> ASGIApp:
    """Counts the requests to `paths` as BentoML would with `metrics.enabled`, which makes a series of every path that
    a client thinks up."""
    from bentoml._internal.server.http.instruments import RunnerTrafficMetricsMiddleware

    counted = RunnerTrafficMetricsMiddleware(app, namespace="bentoml_service")

    async def choose(scope: Scope, receive: Receive, send: Send) -> None:
        known = scope["type"] == "http" and scope["path"] in paths
        await (counted if known else app)(scope, receive, send)

    return choose
