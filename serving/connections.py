"""The limits of a worker's connections, where no request is there yet: their number, and the time for headers.

uvicorn has neither limit: a connection that sends half a header, or nothing, stays open for ever.
"""

import asyncio
import json
from typing import Any

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.errors import error_body, overloaded
from serving.settings import Settings

ANSWER_AND_READ_S = 120  # for an answer to be made and to be taken by the client, after the body's own time


def limit_connections(settings: Settings) -> None:
    """Make uvicorn, which BentoML starts with its defaults, take connections as `limited` says."""
    HTTP_PROTOCOLS["auto"] = limited(settings)  # type: ignore[assignment]  # a class is taken as well as its name


def limited(settings: Settings) -> type[H11Protocol]:
    """uvicorn's protocol for HTTP with the settings' limits."""
    return type("Limited", (_Limited,), {"settings": settings})


class _Limited(H11Protocol):
    """One connection. Its timer runs while headers are awaited, and again for the whole of a request."""

    settings = Settings()
    _timer: asyncio.TimerHandle | None = None
    _times_request = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.settings.max_connections:
            transport.write(_refusal())
            transport.close()
            return
        self._start_timer(request=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()  # uvicorn's own timer takes over while the connection is idle
        self._stop_timer()
        if self._is_answering():  # the next request was there already
            self._start_timer(request=True)

    def _watch(self) -> None:
        """Run the timer that fits what just arrived."""
        if not self._is_answering():  # a part of headers, or the rest of a body that was answered already
            if self._timer is None:
                self._start_timer(request=False)
        elif not self._times_request:
            self._start_timer(request=True)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_timer(self, *, request: bool) -> None:
        self._stop_timer()
        self._times_request = request
        body_s = self.settings.body_timeout_s
        seconds = body_s + ANSWER_AND_READ_S if request else self.settings.header_timeout_s
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._times_request = False


def _refusal() -> bytes:
    """The whole answer to a connection too many."""
    fault = overloaded()
    body = json.dumps(error_body(fault)).encode()
    lines = ["HTTP/1.1 503 Service Unavailable", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (fault.headers or {}).items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body
