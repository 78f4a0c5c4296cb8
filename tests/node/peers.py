"""What stands around a node in its tests: free ports, dcmtk's senders, an archive, a node in this process."""

import hashlib
import shutil
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, evt

from cxr.inference.answer import Answer
from cxr.node.ask import Reply
from cxr.node.run import Node
from cxr.node.settings import load_node
from tests.node.made import CR, xray

SECONDS = 30.0
NODE = "CXR_NODE"
SENDER = "SENDER"
ARCHIVE = "ARCHIVE"
MODEL = {"name": "covid-cxr", "version": "0123456789ab", "backbone": "tiny"}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(holds: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"waited {seconds} s in vain: {what}"
        time.sleep(0.02)


def dcmtk(program: str) -> str:
    """The path of a program of dcmtk: pynetdicom installs others of the same names. Skips where there is none."""
    found = shutil.which(program, path="/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if found is None:
        pytest.skip(f"no {program}: install Debian's package dcmtk")
    return found


def store(port: int, files: Sequence[Path], *options: str, title: str = SENDER) -> int:
    """Send by dcmtk's storescu, compressed files as they are; its exit status."""
    command = [dcmtk("storescu"), "-aet", title, "-aec", NODE, *options, "127.0.0.1", str(port), *map(str, files)]
    return subprocess.run(command, capture_output=True, timeout=SECONDS, check=False).returncode


def certificates(folder: Path) -> None:
    """An authority, and a key with a certificate of it for 127.0.0.1."""

    def openssl(*words: str) -> None:
        subprocess.run([dcmtk("openssl"), *words], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")
    openssl("req", *key, "-keyout", "one.key", "-out", "one.csr", "-subj", "/CN=127.0.0.1")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    openssl("x509", "-req", "-in", "one.csr", "-out", "one.pem", *signing)


@dataclass
class Archive:
    """Takes everything and remembers it. status: what it answers."""

    port: int
    status: int = 0x0000
    got: list[Dataset] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)  # the UID that each result names

    def store(self, event: evt.Event) -> int:
        if self.status == 0x0000:
            dataset = event.dataset
            dataset.file_meta = event.file_meta
            self.got.append(dataset)
        return self.status

    @property
    def uids(self) -> list[str]:
        return [str(one.SOPInstanceUID) for one in self.got]

    @contextmanager
    def up(self) -> Iterator["Archive"]:
        entity = AE(ae_title=ARCHIVE)
        entity.require_called_aet = True
        for uid in RESULT_CLASSES:
            entity.add_supported_context(uid)
        server = entity.start_server(
            ("127.0.0.1", self.port), block=False, evt_handlers=[(evt.EVT_C_STORE, self.store)]
        )
        try:
            yield self
        finally:
            entity.shutdown()
            server.server_close()


SC = "1.2.840.10008.5.1.4.1.1.7"
RESULT_CLASSES = (SC, CR, *(f"1.2.840.10008.5.1.4.1.1.88.{number}" for number in (11, 22, 33, 34)))


class Answering:
    """An asker that needs no model. down: it is unavailable. asked: how often."""

    def __init__(self) -> None:
        self.asked = 0
        self.fault: Exception | None = None
        self.lock = threading.Lock()

    def ask(self, data: bytes, explain: bool) -> Reply:
        with self.lock:
            self.asked += 1
        if self.fault is not None:
            raise self.fault
        return Reply(Answer("NonCOVID", 90.0, {"NonCOVID": 0.9, "COVID": 0.1}, 0.5), MODEL)


def one_result(source: Dataset, reply: Reply) -> list[Dataset]:
    """A small object that names its source."""
    number = int(hashlib.sha256(str(source.SOPInstanceUID).encode()).hexdigest()[:24], 16)
    made = xray(0, SOPClassUID=SC, SOPInstanceUID=f"2.25.{number}", ImageComments=str(source.SOPInstanceUID))
    made.StudyInstanceUID = source.StudyInstanceUID
    return [made]


@dataclass
class Running:
    """A node in this process. port: of C-STORE."""

    node: Node
    port: int
    status_port: int
    folder: Path
    asker: Answering

    def state_of(self, uid: str) -> str:
        rows = self.node._queue.read("SELECT state FROM objects WHERE sop_uid = ?", [uid])
        return str(rows[0]["state"]) if rows else ""

    def states(self) -> list[str]:
        return [row["state"] for row in self.node._queue.read("SELECT state FROM objects ORDER BY id")]


def config(folder: Path, port: int, status_port: int, archive_port: int, **changes: str) -> Path:
    """Write node.yaml. changes: what stands for a section of that name."""
    sections = {
        "folder": str(folder / "queue"),
        "ask": "{kind: engine, model: none}",
        "status": f"{{port: {status_port}}}",
        "queue": "{least_free_mb: 0}",
        "retry": "{first_s: 0.05, longest_s: 0.2, most_tries: 3}",
        "sources": f"{{modalities: {{kind: c_store, port: {port}, stop_s: 3, peers: [{{ae_title: {SENDER}}}]}}}}",
        "destinations": f"{{archive: {{kind: c_store, ae_title: {ARCHIVE}, host: 127.0.0.1, port: {archive_port}}}}}",
    } | changes
    file = folder / "node.yaml"
    file.write_text("".join(f"{name}: {text}\n" for name, text in sections.items()))
    return file


@contextmanager
def running(folder: Path, archive_port: int = 1, asker: Answering | None = None, **changes: str) -> Iterator[Running]:
    """changes: "PORT" in them is the port of C-STORE."""
    port, status_port = free_port(), free_port()
    changes = {name: text.replace("PORT", str(port)) for name, text in changes.items()}
    asker = asker or Answering()
    settings = load_node(config(folder, port, status_port, archive_port, **changes))
    node = Node(settings, asker, one_result)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        node.start()
        try:
            yield Running(node, port, status_port, folder / "queue", asker)
        finally:
            node.stop()


def read(file: Path) -> Dataset:
    return dcmread(file)
