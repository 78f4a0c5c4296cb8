"""Fetching goes on: what an archive refuses or garbles keeps nothing else waiting; an order waits for its archive."""

import datetime
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt

from cxr.node import fetching
from cxr.node.archive_search import Search, Series
from cxr.node.c_move_source import FIND, CMoveSourceSettings, DimseArchive
from cxr.node.fetching import ORDERS, Fetching
from cxr.node.parts import RejectedError, UnreachableError
from cxr.node.wado_source import WebArchive
from cxr.node.web_address import WebAddress
from tests.node.peers import free_port, wait_for
from tests.node.web_parts import body_of, files, picture, taking

SEARCH = Search(days=1)
TODAY = datetime.date.today()
GOOD, GARBLED, REFUSED = picture(1), picture(2), picture(3)


class Scripted:
    """An archive whose series are called by what happens when they are fetched."""

    def __init__(self, *faults: Exception | None):
        self.faults = dict(zip("abcdefg", faults, strict=False))
        self.before: list[Exception] = []  # of the next searches
        self.fetched: list[str] = []
        self.searches = 0

    def find(self, search: Search, today: datetime.date) -> Iterator[Series]:
        self.searches += 1
        if self.before:
            raise self.before.pop(0)
        yield from (Series("1.2", f"1.2.{name}", (name,)) for name in self.faults)

    def fetch(self, wanted: Series) -> int:
        (uid,) = wanted.instances
        if (fault := self.faults[uid]) is not None:
            raise fault
        self.fetched.append(uid)
        return 1


@pytest.fixture
def taken(tmp_path: Path):
    with taking(tmp_path / "queue") as inbox:
        yield inbox


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "LOOKS_EVERY_S", 0.02)
    monkeypatch.setattr(fetching, "BACKOFF", fetching.Backoff(0.02, 0.02))


def ordered(folder: Path) -> Path:
    (folder / ORDERS).mkdir(exist_ok=True)
    (folder / ORDERS / "pacs").touch()
    return folder / ORDERS / "pacs"


def test_a_series_that_is_refused_does_not_keep_the_others_waiting(taken) -> None:
    archive = Scripted(None, RejectedError("pacs: answered 406"), None)
    with pytest.raises(RejectedError, match="406; 1 such refusals, and 2 objects fetched"):
        Fetching("pacs", archive, SEARCH, 0, taken.queue).look()
    assert archive.fetched == ["a", "c"]


def test_a_fault_that_nobody_thought_of_does_not_end_the_thread(taken, caplog: pytest.LogCaptureFixture) -> None:
    archive = Scripted(None)
    archive.before = [ZeroDivisionError("SECRET^NAME"), OSError("SECRET^NAME")]
    source = Fetching("pacs", archive, SEARCH, 0.02, taken.queue)
    source.start()
    try:
        wait_for(lambda: archive.fetched, "a later search", 10)
    finally:
        source.stop()
    assert "pacs: the search failed (ZeroDivisionError)" in caplog.text
    assert "SECRET" not in caplog.text


def test_an_order_waits_for_an_archive_that_is_away(taken) -> None:
    archive = Scripted(None)
    archive.before = [UnreachableError("pacs: no answer"), UnreachableError("pacs: no answer")]
    place = ordered(taken.queue.folder)
    source = Fetching("pacs", archive, SEARCH, 0, taken.queue)
    source.start()
    try:
        wait_for(lambda: archive.fetched, "the third search", 10)
        wait_for(lambda: not place.exists(), "the order is forgotten", 10)
    finally:
        source.stop()
    assert archive.searches == 3


def test_an_order_that_was_given_meanwhile_is_not_forgotten(taken) -> None:
    archive = Scripted(None)
    place = ordered(taken.queue.folder)
    first = place.stat().st_mtime_ns
    place.touch()
    fetching._fulfil(taken.queue.folder, "pacs", first - 1)
    assert place.exists()
    fetching._fulfil(taken.queue.folder, "pacs", place.stat().st_mtime_ns)
    assert not place.exists()
    assert archive.searches == 0


def json_of(*datasets: Dataset) -> bytes:
    return json.dumps([one.to_json_dict() for one in datasets]).encode()


def found(source: Dataset, *keywords: str) -> Dataset:
    dataset = Dataset()
    for keyword in keywords:
        setattr(dataset, keyword, source[keyword].value)
    return dataset


def said_at(path: str) -> tuple[int, bytes, dict[str, str]]:
    """What a web archive says that has a good study, one without a UID, a garbled one and one that it refuses."""
    as_json = {"Content-Type": "application/dicom+json"}
    whole = [one for one in (GARBLED, REFUSED, GOOD) if str(one.StudyInstanceUID) in path]
    if not whole:
        return 200, json_of(Dataset(), *(found(one, "StudyInstanceUID") for one in (GARBLED, REFUSED, GOOD))), as_json
    (one,) = whole
    if str(one.SOPInstanceUID) in path:
        if one is REFUSED:
            return 406, b"", {}
        return (200, *body_of([b"no DICOM" if one is GARBLED else files(1)[0]]))
    if "/instances" in path:
        return 200, json_of(found(one, "SOPInstanceUID")), as_json
    return 200, json_of(found(one, "SeriesInstanceUID", "Modality", "BodyPartExamined")), as_json


@contextmanager
def web_archive() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, headers = said_at(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/dicom-web"
    finally:
        server.shutdown()
        server.server_close()


def test_what_a_web_archive_refuses_or_garbles_keeps_nothing_else_waiting(taken) -> None:
    with web_archive() as url:
        archive = WebArchive("pacs", WebAddress(url), taken.inbox)
        with pytest.raises(RejectedError, match="has no StudyInstanceUID; 3 such refusals, and 1 objects fetched"):
            Fetching("pacs", archive, SEARCH, 0, taken.queue).look()
    assert taken.uids == [GOOD.SOPInstanceUID]


@contextmanager
def strict_archive(port: int) -> Iterator[None]:
    """C-FIND as the standard has it: several values match only where they are UIDs."""

    def find(event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        keys = event.identifier
        if "\\" in str(keys.get("ModalitiesInStudy", "")) or not isinstance(keys.get("ModalitiesInStudy", ""), str):
            yield 0xA900, None
            return
        answer = found(GOOD, "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "Modality", "BodyPartExamined")
        answer.QueryRetrieveLevel = keys.QueryRetrieveLevel
        if keys.QueryRetrieveLevel == "STUDY":
            other = found(GOOD, "StudyInstanceUID")
            other.StudyInstanceUID = generate_uid()
            other.ModalitiesInStudy = ["CT", "SR"]
            yield 0xFF00, other
            answer.ModalitiesInStudy = ["CR", "SR"]
        yield 0xFF00, answer

    entity = AE(ae_title="PACS")
    entity.add_supported_context(FIND)
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_FIND, find)])
    try:
        yield
    finally:
        entity.shutdown()
        server.server_close()


def test_c_find_asks_for_no_list_of_modalities_and_looks_at_them_itself() -> None:
    port = free_port()
    settings = CMoveSourceSettings(kind="c_move", host="127.0.0.1", port=port, ae_title="PACS", search=SEARCH)
    with strict_archive(port):
        series = list(DimseArchive("pacs", settings, "CXR_NODE").find(SEARCH, TODAY))
    assert series == [Series(str(GOOD.StudyInstanceUID), str(GOOD.SeriesInstanceUID), (str(GOOD.SOPInstanceUID),))]
