"""A stand-in for the service: speaks the contract over real HTTP, and can be told to fail, to be slow, to refuse.

It serves clients/web as the service does, with the Content-Security-Policy of csp.txt. By default it answers every
picture; `plan()` says otherwise for the next requests, one Reply each.
"""

import base64
import binascii
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .pictures import heatmap_uri

WEB = Path(__file__).parents[2] / "clients" / "web"
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
MODEL = {"name": "covid-cxr", "version": "7", "backbone": "InceptionV3"}
MODEL_CARD = {
    **MODEL,
    "classes": ["NonCOVID", "COVID"],
    "threshold": 0.42,
    "test": {"patients": 212, "auc": 0.9312, "auc_interval_95": [0.894, 0.961]},
    "shortcut_flagged": True,
    "audit": {
        "reasons": ["border only, rectangle: auc 0.84, the limit is at most 0.65", "same source could not be measured"],
        "measured": {"border_only": {"rectangle": {"value": 0.84123, "low": 0.79, "high": 0.88, "images": 200}}},
    },
}


@dataclass
class Reply:
    """One answer to POST /predict. delay_s passes before it, hold (an event) has to be set before it."""

    status: int = 200
    body: dict | str = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    hold: threading.Event | None = None


def answer(
    p_covid: float = 0.971,
    threshold: float = 0.42,
    warnings: tuple[str, ...] = (),
    explain: bool = False,
    **more: object,
) -> dict:
    state = "COVID" if p_covid >= threshold else "NonCOVID"
    body = {
        "state": state,
        "percentage": 100 * (p_covid if state == "COVID" else 1 - p_covid),
        "probabilities": {"NonCOVID": 1 - p_covid, "COVID": p_covid},
        "threshold": threshold,
        "warnings": [{"code": code, "message": f"server text for {code}"} for code in warnings],
        "model": MODEL,
    }
    if explain:
        body["heatmap"] = heatmap_uri()
    return body | more


def refusal(code: str = "not_frontal") -> dict:
    return {
        "state": "Refused",
        "percentage": None,
        "probabilities": None,
        "threshold": 0.42,
        "warnings": [],
        "reason": {"code": code, "message": f"server text for {code}"},
        "model": MODEL,
    }


def error(status: int, code: str, message: str = "the server's own words", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"error": {"code": code, "message": message}}, named)


class StandIn:
    """The service on a free port of loopback. `with StandIn() as service: service.url`"""

    def __init__(self) -> None:
        self.ready = True
        self.api_key: str | None = None
        self.requests: list[dict] = []  # {"explain", "image_bytes", "api_key"} of each POST /predict
        self.most_in_flight = 0
        self._plan: list[Reply] = []
        self._in_flight = 0
        self._lock = threading.Lock()
        self._port = 0

    def plan(self, *replies: Reply | dict) -> None:
        self._plan += [reply if isinstance(reply, Reply) else Reply(body=reply) for reply in replies]

    def __enter__(self) -> "StandIn":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Also starts again, on the same port, after stop()."""
        handler = type("Handler", (_Handler,), {"service": self})
        self._http = _Server(("127.0.0.1", self._port), handler)
        self._port = self._http.server_port
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    def predict(self, headers, body: bytes) -> Reply:
        with self._lock:
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
            planned = self._plan.pop(0) if self._plan else None
        try:
            return self._reply(headers, body, planned)
        finally:
            with self._lock:
                self._in_flight -= 1

    def _reply(self, headers, body: bytes, planned: Reply | None) -> Reply:
        if self.api_key and headers.get("X-API-Key") != self.api_key:
            return error(401, "unauthorised")
        try:
            asked = json.loads(body)
            image = base64.b64decode(asked["image"].partition("base64,")[2], validate=True)
        except (ValueError, KeyError, binascii.Error):
            return error(400, "bad_request")
        key = headers.get("X-API-Key")
        self.requests.append({"explain": asked.get("explain"), "image_bytes": image, "api_key": key})
        reply = planned or Reply(body=answer(explain=bool(asked.get("explain"))))
        if reply.hold:
            reply.hold.wait(30)
        time.sleep(reply.delay_s)
        return reply


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64  # five, the default, is fewer than the connections that a browser opens at once

    def handle_error(self, request, client_address) -> None:
        """A browser that cancels is no error, and the tests' output stays readable."""


class _Handler(BaseHTTPRequestHandler):
    service: StandIn

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/readyz":
            self._send(Reply(200 if self.service.ready else 503, {"ready": self.service.ready}))
        elif path == "/model":
            self._send(Reply(body=MODEL_CARD))
        else:
            self._send_file(WEB / ("index.html" if path == "/" else path.lstrip("/")))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/predict":
            self._send(self.service.predict(self.headers, body))
        else:
            self._send(error(404, "not_found"))

    def _send_file(self, path: Path) -> None:
        if path.parent != WEB or not path.is_file():
            self._send(error(404, "not_found"))
            return
        self._write(
            200,
            path.read_bytes(),
            {
                "Content-Type": CONTENT_TYPES.get(path.suffix, "text/plain"),
                "Content-Security-Policy": (WEB / "csp.txt").read_text().strip(),
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-cache",
            },
        )

    def _send(self, reply: Reply) -> None:
        is_json = isinstance(reply.body, dict)
        body = json.dumps(reply.body) if is_json else reply.body
        content_type = "application/json" if is_json else "text/html"
        self._write(reply.status, body.encode(), {"Content-Type": content_type, **reply.headers})

    def _write(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent, as the real service is about pictures."""
