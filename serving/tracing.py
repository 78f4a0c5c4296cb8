"""What OpenTelemetry is told of a request, where an operator has BentoML collect spans: the route, never what a client
chose. A path may be a file's name."""

import re
from collections.abc import Iterable

from opentelemetry.trace import get_current_span

# Of the instrumentation's old and new conventions: address, query, browser and host of the one who asks.
_CHOSEN = (
    *("http.url", "http.target", "http.host", "http.user_agent", "net.peer.ip", "net.peer.port"),
    *("url.full", "url.path", "url.query", "user_agent.original", "client.address", "client.port"),
)


def not_of(paths: Iterable[str]) -> str:
    """A regular expression for BentoML's `tracing.excluded_urls`: every URL but those of these paths."""
    known = "|".join(map(re.escape, paths))
    host_or_socket = r"(?:[^/]*|/.*\.sock(?::\w+)?)"
    return rf"^(?!\w+://{host_or_socket}(?:{known})$)"


def name_only(route: str) -> None:
    """Leave in the span of this request nothing but the route's name."""
    span = get_current_span()
    if span.is_recording():
        for name in _CHOSEN:
            span.set_attribute(name, route)
