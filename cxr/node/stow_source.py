"""Objects that come in by DICOMweb, STOW-RS: `POST /studies` and `POST /studies/<study>`."""

import socket
import threading
import time
from typing import Annotated, Literal

import uvicorn
from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT
from cxr.node.parts import SourceSettings, Surroundings, register, text_of_file
from cxr.node.receipt import NodeError
from cxr.node.stow_app import StowLimits, stow_app
from cxr.node.values import Port, Seconds, TlsSettings
from cxr.node.web_address import is_this_machine

STARTS_WITHIN_S = 10
ENDS_WITHIN_S = 10  # requests that are being sent; TLS connections whose other side says nothing hold it up too


@register
@dataclass(frozen=True, config=STRICT)
class StowSourceSettings(SourceSettings):
    """token_file: its text is the bearer token that every request must carry. most_mb: of one object. most_requests:
    at once, above which the answer is 503. body_timeout_s: that one request may take.

    Other machines than this one are let in only with TLS, and with a token or a client certificate.
    """

    kind: Literal["stow"]
    port: Port
    host: str = "127.0.0.1"
    token_file: str = ""
    tls: TlsSettings = TlsSettings()
    allow_http: bool = False
    most_mb: Annotated[int, Field(ge=1, le=2048)] = 256
    most_requests: Annotated[int, Field(ge=1, le=1024)] = 16
    body_timeout_s: Seconds = 120.0

    def __post_init__(self) -> None:
        if is_this_machine(self.host):
            return
        if not self.tls.wanted and not self.allow_http:
            raise ValueError("a host that others reach needs tls, or allow_http if the network is trusted")
        if not self.token_file and not self.tls.authorities:
            raise ValueError("a host that others reach needs token_file, or tls.authorities for client certificates")

    def open(self, name: str, around: Surroundings) -> "StowSource":
        return StowSource(name, self, around)


class StowSource:
    """A web server in a thread of its own."""

    def __init__(self, name: str, settings: StowSourceSettings, around: Surroundings):
        self._name = name
        self._settings = settings
        token = text_of_file(settings.token_file, name) if settings.token_file else ""
        settings.tls.listening()  # says in one sentence what is wrong with a file
        limits = StowLimits(settings.most_mb << 20, settings.body_timeout_s)
        self._server = uvicorn.Server(_configuration(settings, stow_app(name, around.inbox, token, limits)))
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Raises NodeError where the port cannot be had."""
        settings = self._settings
        try:
            listening = socket.create_server((settings.host, settings.port), backlog=128)
        except OSError as fault:
            raise NodeError(
                f"{self._name}: cannot listen on {settings.host}, port {settings.port} ({fault.strerror}); "
                "stop what has it, or choose another"
            ) from None
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name=f"stow-{self._name}", daemon=True
        )
        self._thread.start()
        latest = time.monotonic() + STARTS_WITHIN_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > latest:
                raise NodeError(
                    f"{self._name}: the web server did not start within {STARTS_WITHIN_S} s on {settings.host}, port "
                    f"{settings.port}; look at the load of this machine and at the files under tls"
                )
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(2 * ENDS_WITHIN_S)


def _configuration(settings: StowSourceSettings, app: object) -> uvicorn.Config:
    tls = settings.tls
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_config=None,
        access_log=False,  # a path names a study
        lifespan="off",
        server_header=False,
        limit_concurrency=settings.most_requests + 1,  # uvicorn refuses from this number on
        timeout_graceful_shutdown=ENDS_WITHIN_S,
        ssl_certfile=tls.certificate or None,
        ssl_keyfile=tls.key or None,
        ssl_ca_certs=tls.authorities or None,
        ssl_cert_reqs=2 if tls.authorities else 0,
    )
