"""The node's web parts and its C-MOVE against a real archive."""

import datetime
import time

import pytest
from pynetdicom import AE, AllStoragePresentationContexts, evt

from cxr.node.archive_search import Search
from cxr.node.c_move_source import CMoveSourceSettings, DimseArchive
from cxr.node.fetching import Fetching, order
from cxr.node.parts import RejectedError, UnreachableError
from cxr.node.stow_destination import StowDestinationSettings
from cxr.node.wado_source import WadoSourceSettings, WebArchive
from cxr.node.web_address import WebAddress
from tests.node.web_parts import picture, taking
from tests.servers.orthanc import NODE, make_orthanc, started, store, web
from tools.ask import free_port

SEARCH = Search(days=2)
TODAY = datetime.date.today()


@pytest.fixture(scope="module")
def password(tmp_path_factory):
    file = tmp_path_factory.mktemp("secret") / "password"
    file.write_text("clinic\n")
    return str(file)


@pytest.fixture(scope="module")
def node_port():
    return free_port()


@pytest.fixture(scope="module")
def archive(tmp_path_factory, node_port):
    """With two chest X-rays of today, one of a hand, and one of last year."""
    hand = picture(3)
    hand.BodyPartExamined = "HAND"
    old = picture(4)
    old.StudyDate = f"{TODAY.year - 1}0101"
    with started(make_orthanc(tmp_path_factory.mktemp("orthanc"), node_port)) as running:
        store(running.plan, picture(1), picture(2), hand, old)
        yield running.plan


@pytest.fixture
def taken(tmp_path):
    with taking(tmp_path / "queue") as inbox:
        yield inbox


@pytest.fixture
def address(archive, password):
    return WebAddress(archive.dicomweb, user=archive.user, password_file=password)


def uids(*numbers):
    return {picture(number).SOPInstanceUID for number in numbers}


def test_wado_fetches_what_the_search_wants_once(taken, address):
    found = WebArchive("pacs", address, taken.inbox)
    fetching = Fetching("pacs", found, SEARCH, 0, taken.queue)
    assert fetching.look() == 2
    assert set(taken.uids) == uids(1, 2)
    assert fetching.look() == 0


def test_wado_pages_through_long_answers(taken, address, monkeypatch):
    monkeypatch.setattr("cxr.node.wado_source.PAGE", 1)
    found = WebArchive("pacs", address, taken.inbox)
    assert {uid for series in found.find(SEARCH, TODAY) for uid in series.instances} == uids(1, 2)


def test_an_order_makes_a_source_that_has_no_clock_fetch(taken, address):
    settings = WadoSourceSettings(kind="wado", address=address, search=SEARCH, every_s=0)
    source = settings.open("pacs", taken.around())
    source.start()
    try:
        assert order(taken.queue.folder, {"pacs": settings}) == ["pacs"]
        latest = time.monotonic() + 20
        while set(taken.uids) != uids(1, 2) and time.monotonic() < latest:
            time.sleep(0.05)
    finally:
        source.stop()
    assert set(taken.uids) == uids(1, 2)


def test_c_move_has_the_archive_send_what_the_search_wants(taken, archive, node_port):
    settings = CMoveSourceSettings(
        kind="c_move", host="127.0.0.1", port=archive.dicom_port, ae_title=archive.aet, search=SEARCH
    )
    found = DimseArchive("pacs", settings, NODE)
    came = []
    entity = AE(NODE)
    entity.supported_contexts = AllStoragePresentationContexts
    receives = [(evt.EVT_C_STORE, lambda event: came.append(event.dataset.SOPInstanceUID) or 0)]
    server = entity.start_server(("127.0.0.1", node_port), block=False, evt_handlers=receives)
    try:
        assert Fetching("pacs", found, SEARCH, 0, taken.queue).look() == 2
    finally:
        server.shutdown()
    assert set(came) == uids(1, 2)


def test_c_move_without_a_receiver_says_so_and_fetches_nothing(taken, archive):
    settings = CMoveSourceSettings(
        kind="c_move", host="127.0.0.1", port=archive.dicom_port, ae_title=archive.aet, search=SEARCH
    )
    with pytest.raises(RejectedError, match="C-MOVE ended with status"):
        Fetching("pacs", DimseArchive("pacs", settings, NODE), SEARCH, 0, taken.queue).look()


def test_results_are_stored_by_stow_and_may_be_sent_again(taken, archive, address):
    destination = StowDestinationSettings(kind="stow", address=address).open("pacs", taken.around())
    result = picture(5)
    destination.send([result])
    destination.send([result])
    destination.close()
    back = web(archive).retrieve_instance(result.StudyInstanceUID, result.SeriesInstanceUID, result.SOPInstanceUID)
    assert back.PixelData == result.PixelData


def test_a_wrong_password_is_no_fault_of_the_object(taken, archive, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    address = WebAddress(archive.dicomweb, user=archive.user, password_file=str(wrong))
    destination = StowDestinationSettings(kind="stow", address=address).open("pacs", taken.around())
    with pytest.raises(UnreachableError, match="401"):
        destination.send([picture(6)])
