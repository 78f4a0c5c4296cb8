"""Local servers that speak what the two public sources speak: GitHub's codeload and Kaggle's API with its storage.

Codeload makes its zips on the fly: chunked, no length, a weak ETag, no ranges. Kaggle's API answers a POST with a
redirect to a signed address in Google's storage, which knows length, ranges, a strong ETag and an MD5.
"""

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REVISION = "0123456789abcdef0123456789abcdef01234567"
KAGGLE_CALL = "/v1/datasets.DatasetApiService/DownloadDataset"
STORAGE = "/kaggle-data-sets/17810/bundle/archive.zip"


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


# Answers one request in place of the honest server.
Fault = Callable[["Handler"], None]


@dataclass
class State:
    """faults, storage_faults: used up one per request, in order; after the last the server is honest."""

    archive: bytes = b""
    faults: list[Fault] = field(default_factory=list)
    storage_faults: list[Fault] = field(default_factory=list)
    token: str | None = None
    seen: list[Seen] = field(default_factory=list)

    def requests_for(self, path: str) -> list[Seen]:
        return [request for request in self.seen if request.path.startswith(path)]


def is_revision(text: str) -> bool:
    """GitHub takes the beginning of a commit's id for the id, if it is long enough to be the only one."""
    return len(text) >= 7 and REVISION.startswith(text)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    @property
    def state(self) -> State:
        return self.server.state

    def log_message(self, *_: object) -> None:
        pass

    def handle(self) -> None:
        # The client hangs up on an answer that it does not want.
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        self.state.seen.append(Seen("GET", self.path, dict(self.headers)))
        in_storage = self.path.startswith(STORAGE)
        faults = self.state.storage_faults if in_storage else self.state.faults
        if faults:
            faults.pop(0)(self)
        elif in_storage:
            self.stored()
        elif is_revision(self.path.rpartition("/zip/")[2]):
            self.chunked()
        else:
            status(404)(self)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.state.seen.append(Seen("POST", self.path, dict(self.headers), body))
        if self.state.faults:
            self.state.faults.pop(0)(self)
        else:
            self.redirect(json.loads(body))

    def redirect(self, asked: dict) -> None:
        if self.state.token and self.headers.get("Authorization") != f"Bearer {self.state.token}":
            return kaggle_error(401)(self)
        known = {"ownerSlug": "paultimothymooney", "datasetSlug": "chest-xray-pneumonia", "datasetVersionNumber": 2}
        if self.path != KAGGLE_CALL or not known.items() <= asked.items():
            return kaggle_error(404)(self)
        self.send_response(302)
        self.send_header("Location", f"{self.server.url}{STORAGE}?X-Goog-Signature={len(self.state.seen)}")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def chunked(self, upto: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/zip")
        self.send_header("ETag", f'W/"{REVISION}"')
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        body = self.state.archive[:upto]
        self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
        if upto is None:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True

    def stored(self, upto: int | None = None, md5: bytes | None = None, etag: str = '"generation-1"') -> None:
        """upto: send no more bytes than these, then hang up."""
        whole = self.state.archive
        span = self.headers.get("Range")
        fits = self.headers.get("If-Range", etag) == etag
        start = int(span.removeprefix("bytes=").removesuffix("-")) if span and fits else 0
        if start >= len(whole):
            return status(416)(self)
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", "application/zip")
        self.send_header("Content-Length", str(len(whole) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        digest = base64.b64encode(md5 or hashlib.md5(whole).digest()).decode()
        self.send_header("x-goog-hash", "crc32c=AAAAAA==")
        self.send_header("x-goog-hash", f"md5={digest}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", etag)
        self.end_headers()
        self.wfile.write(whole[start:upto])
        self.close_connection = upto is not None
        return None


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.state = State()
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


def status(code: int, content: bytes = b"no", **headers: str) -> Fault:
    """headers: with underscores for dashes."""

    def answer(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in {"Content_Type": "text/plain", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def kaggle_error(code: int, http: int | None = None) -> Fault:
    """Kaggle writes its status into a JSON body, at times under another HTTP status."""
    body = json.dumps({"code": code, "message": "Unauthenticated"}).encode()
    return status(http or code, body, Content_Type="application/json; charset=utf-8")


def web_page(handler: Handler) -> None:
    status(200, b"<html>Please log in</html>", Content_Type="text/html; charset=utf-8")(handler)


def hang_up(handler: Handler) -> None:
    handler.close_connection = True
