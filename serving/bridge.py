"""From the front to BentoML's own application, and back.

The front reads and checks a request. BentoML then finds the `@bentoml.api` method, calls it and writes the answer, as
for every service. A fault goes back to the front, which answers it in the one form; BentoML would log its text, which
may quote the request.
"""

import functools
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from bentoml._internal.context import server_context
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Scope

from serving.errors import ServiceError, fault_of_ours

PICKLE = "application/vnd.bentoml+pickle"  # what a service sends that depends on this one
P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Call:
    """A request on its way through BentoML. fields: the method's arguments, None where BentoML unpickles `body`.
    fault: what the method raised."""

    request: Request
    fields: Mapping[str, Any] | None
    body: bytes = b""
    fault: Exception | None = None


_CALL: ContextVar[Call | None] = ContextVar("call", default=None)


def current_call() -> Call:
    """The call that this code runs for; LookupError outside of one."""
    call = _CALL.get()
    if call is None:
        raise LookupError("this runs for requests that came through the front only")
    return call


def asker() -> Request | None:
    """The request that this code runs for, or None where a Python program calls the method itself."""
    call = _CALL.get()
    return call.request if call else None


def within(scope: Scope) -> bool:
    """Whether the request came from a service of the same `bentoml serve` that depends on this one: over the Unix
    socket that BentoML made for the two."""
    return server_context.service_type == "service" and scope.get("client") is None


def told(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Hand what `method` raises to the front, where there is one; a Python program gets the exception itself."""

    @functools.wraps(method)
    async def telling(*args: P.args, **kwargs: P.kwargs) -> Any:
        call = _CALL.get()
        try:
            return await method(*args, **kwargs)
        except Exception as fault:
            if call is None:
                raise
            call.fault = fault
            return Response(status_code=500)

    return telling


async def through(app: ASGIApp, call: Call) -> Response:
    """BentoML's answer to the call; raises what the method raised. app: BentoML's own, behind the front."""
    token = _CALL.set(call)
    heard = _Heard()
    try:
        await app(_scope_of(call.request), _receiving(call), heard.send)
    finally:
        _CALL.reset(token)
    if call.fault is not None:
        raise call.fault
    if heard.status >= 400:  # BentoML's own fault, which it has logged
        raise fault_of_ours()
    return heard.response()


def _scope_of(request: Request) -> Scope:
    """With a state of its own: what BentoML keeps there is not the front's."""
    return dict(request.scope) | {"state": {}}


def _receiving(call: Call) -> Callable[[], Awaitable[Message]]:
    waiting = [call.body]

    async def receive() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await call.request.receive()

    return receive


class _Heard:
    """What an ASGI application sends, kept: answers are small."""

    def __init__(self) -> None:
        self.status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._headers = list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")

    def response(self) -> Response:
        response = Response(bytes(self._body), self.status)
        length = [(name, value) for name, value in response.raw_headers if name == b"content-length"]
        response.raw_headers = [entry for entry in self._headers if entry[0].lower() != b"content-length"] + length
        return response


def refuse_pickles(request: Request) -> None:
    """A pickle runs code of whoever wrote it: only a service of the same process tree may send one."""
    if not within(request.scope):
        raise ServiceError(415, "unsupported_media_type", "pickled requests are not taken; send a form or JSON")
