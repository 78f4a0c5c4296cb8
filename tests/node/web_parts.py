"""What the tests of the node's web parts share: an inbox on disk, phantoms, and a STOW-RS service that runs."""

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from pydicom.dataset import Dataset

from cxr.node.inbox import DiskInbox, make_private
from cxr.node.parts import Surroundings
from cxr.node.queue import Queue
from cxr.node.receipt import Receipt
from cxr.node.settings import QueueSettings
from cxr.node.stow_source import StowSourceSettings
from tools.ask import free_port
from tools.clinic_phantoms import file_of, phantom

SMALL = 64  # pixels


def picture(number: int = 1) -> Dataset:
    return phantom(number, covid=True, image_size=SMALL)


@dataclass
class Taken:
    """An inbox, and every receipt that it gave."""

    queue: Queue
    inbox: DiskInbox
    receipts: list[Receipt] = field(default_factory=list)

    @property
    def uids(self) -> list[str]:
        return [row["sop_uid"] for row in self.queue.read("SELECT sop_uid FROM objects ORDER BY id")]

    def around(self) -> Surroundings:
        return Surroundings("CXR_NODE", self.queue.folder, self.inbox, self.queue)


@contextlib.contextmanager
def taking(folder: Path, settings: QueueSettings | None = None) -> Iterator[Taken]:
    make_private(folder)
    queue = Queue(folder)
    receipts: list[Receipt] = []
    inbox = DiskInbox(queue, settings or QueueSettings(least_free_mb=0), lambda receipt, *_: receipts.append(receipt))
    try:
        yield Taken(queue, inbox, receipts)
    finally:
        queue.close()


@contextlib.contextmanager
def stow_service(taken: Taken, **settings: object) -> Iterator[str]:
    """The address of a STOW-RS source that runs inside the block."""
    wanted = StowSourceSettings(kind="stow", port=free_port(), **settings)
    source = wanted.open("web", taken.around())
    source.start()
    try:
        yield f"http://127.0.0.1:{wanted.port}"
    finally:
        source.stop()


def body_of(parts: Sequence[bytes], media_type: str = "application/dicom") -> tuple[bytes, dict[str, str]]:
    """A request's body and headers."""
    head = f"--limit\r\nContent-Type: {media_type}\r\n\r\n".encode()
    body = b"".join(head + part + b"\r\n" for part in parts) + b"--limit--\r\n"
    return body, {"Content-Type": 'multipart/related; type="application/dicom"; boundary=limit'}


def files(*numbers: int) -> list[bytes]:
    return [file_of(picture(number)) for number in numbers]


@contextlib.contextmanager
def web_receiver() -> Iterator[SimpleNamespace]:
    """A web server. got: the headers and body of each request; says: status, headers and JSON that it answers with."""
    state = SimpleNamespace(got=[], says=(201, {}, {}))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            state.got.append((dict(self.headers), self.rfile.read(int(self.headers.get("Content-Length", 0)))))
            status, headers, answer = state.says
            body = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/dicom+json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - http.server's name

        def log_message(self, *_):
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/DiagnosticReport"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
