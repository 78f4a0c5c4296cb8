"""/metrics for Prometheus, /livez and /readyz for whoever watches the node."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cxr.node.receipt import NodeError

PLAIN = "text/plain; version=0.0.4; charset=utf-8"


class StatusPage:
    """metrics: the text of /metrics. ready: "" where objects are taken, else why not. held: why objects
    that are taken wait, else ""."""

    def __init__(
        self,
        host: str,
        port: int,
        metrics: Callable[[], bytes],
        ready: Callable[[], str],
        held: Callable[[], str] = lambda: "",
    ):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = _page(self.path, metrics, ready, held)
                self.send_response(status)
                self.send_header("Content-Type", PLAIN)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *values: object) -> None:
                """Nothing: whoever asks is not logged."""

        Handler.timeout = 10
        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as fault:
            raise NodeError(
                f"status: {host}:{port} cannot be listened on ({fault.strerror}); choose another port"
            ) from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="status", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _page(
    path: str, metrics: Callable[[], bytes], ready: Callable[[], str], held: Callable[[], str]
) -> tuple[int, bytes]:
    if path == "/metrics":
        return 200, metrics()
    if path == "/livez":
        return 200, b"alive\n"
    if path in ("/readyz", "/healthz"):
        reason = ready()
        if reason:
            return 503, reason.encode() + b"\n"
        return 200, "\n".join(["ready", held()]).rstrip().encode() + b"\n"
    return 404, b"not found\n"
