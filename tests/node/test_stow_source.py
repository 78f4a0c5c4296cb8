"""Objects that come in by STOW-RS: durable before the answer, refused with DICOM's own words."""

import errno

import httpx
import pytest
from dicomweb_client import DICOMwebClient

from cxr.node.receipt import NodeError
from cxr.node.settings import QueueSettings
from cxr.node.stow_source import StowSourceSettings
from tests.node.web_parts import body_of, files, picture, stow_service, taking
from tools.ask import free_port
from tools.clinic_phantoms import file_of

FAILURE_REASON = "00081197"
STORED = "00081199"
FAILED = "00081198"
OTHERS = "0008119A"


@pytest.fixture
def taken(tmp_path):
    with taking(tmp_path / "queue") as inbox:
        yield inbox


@pytest.fixture
def address(taken):
    with stow_service(taken) as url:
        yield url


def post(address: str, *parts: bytes, path: str = "/studies", **headers: str) -> httpx.Response:
    body, own = body_of(parts)
    return httpx.post(address + path, content=body, headers=own | headers)


def reasons(response: httpx.Response, sequence: str) -> list[int]:
    return [item[FAILURE_REASON]["Value"][0] for item in response.json()[sequence]["Value"]]


def test_a_real_client_stores_two_objects_at_once_and_again(taken, address):
    pictures = [picture(1), picture(2)]
    for _ in range(2):
        answer = DICOMwebClient(address).store_instances(pictures)
        assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [
            one.SOPInstanceUID for one in pictures
        ]
        assert "FailedSOPSequence" not in answer
    assert taken.uids == [one.SOPInstanceUID for one in pictures]


def test_nothing_is_left_beside_the_queue(taken, address):
    post(address, *files(1), b"no DICOM")
    assert list(taken.inbox.incoming.iterdir()) == []


def test_what_is_no_dicom_fails_alone(taken, address):
    response = post(address, files(1)[0], b"no DICOM")
    assert response.status_code == 202
    assert reasons(response, OTHERS) == [0xC000]
    assert len(taken.uids) == 1
    assert post(address, b"no DICOM").status_code == 409


def test_another_object_with_a_known_uid_is_refused_as_such(address):
    other = picture(1)
    other.PatientComments = "changed on the way"
    assert post(address, *files(1)).status_code == 200
    response = post(address, file_of(other))
    assert response.status_code == 409
    assert reasons(response, FAILED) == [0x0111]


def test_a_named_study_takes_its_own_objects_only(taken, address):
    study = picture(1).StudyInstanceUID
    response = post(address, *files(1, 2), path=f"/studies/{study}")
    assert response.status_code == 202
    assert reasons(response, FAILED) == [0xA900]
    assert taken.uids == [picture(1).SOPInstanceUID]


def test_a_body_that_breaks_off_is_an_error_and_leaves_no_file(taken, address):
    body, headers = body_of(files(1))
    response = httpx.post(f"{address}/studies", content=body[: len(body) // 2], headers=headers)
    assert response.status_code == 400
    assert taken.uids == []
    assert list(taken.inbox.incoming.iterdir()) == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/dicom"}, 415),
        ({"Content-Type": 'multipart/related; type="application/dicom+json"; boundary=limit'}, 415),
        ({"Content-Type": 'multipart/related; type="application/dicom"'}, 400),
        ({"Content-Type": f'multipart/related; type="application/dicom"; boundary={"x" * 300}'}, 400),
        ({"Accept": "application/dicom+xml"}, 406),
    ],
)
def test_a_request_of_another_form_is_told_so(address, headers, status):
    assert post(address, *files(1), **headers).status_code == status


def test_a_full_queue_asks_the_sender_to_come_again(tmp_path):
    with (
        taking(tmp_path / "queue", QueueSettings(least_free_mb=0, most_objects=1)) as taken,
        stow_service(taken) as url,
    ):
        assert post(url, *files(1)).status_code == 200
        response = post(url, *files(2))
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0


def test_an_object_above_the_limit_is_not_kept(taken):
    with stow_service(taken, most_mb=1) as url:
        response = post(url, files(1)[0] + bytes(1 << 20), files(2)[0])
    assert response.status_code == 202
    assert reasons(response, OTHERS) == [0x0110]
    assert taken.uids == [picture(2).SOPInstanceUID]


def test_the_token_is_wanted(taken, tmp_path):
    token = tmp_path / "token"
    token.write_text("a-long-random-text\n")
    with stow_service(taken, token_file=str(token)) as url:
        assert post(url, *files(1)).status_code == 401
        assert post(url, *files(1), Authorization="Bearer another").status_code == 401
        assert post(url, *files(1), Authorization="Bearer a-long-random-text").status_code == 200


@pytest.mark.parametrize("settings", [{}, {"allow_http": True}, {"token_file": "token"}])
def test_other_machines_need_tls_and_a_token(settings):
    with pytest.raises(ValueError, match="a host that others reach needs"):
        StowSourceSettings(kind="stow", port=8080, host="0.0.0.0", **settings)


@pytest.mark.parametrize("broken", ["read_file_meta_info", "read_elements"])
def test_a_sender_comes_again_where_the_machine_cannot_read_now(broken, taken, address, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "of the machine")

    path = f"/studies/{picture(1).StudyInstanceUID}"
    with monkeypatch.context() as patch:
        patch.setattr(f"cxr.node.stow_app.{broken}", fail)
        response = post(address, *files(1), path=path)
        assert (response.status_code, reasons(response, OTHERS)) == (503, [0xA700])
    assert post(address, *files(1), path=path).status_code == 200


def test_a_web_server_that_does_not_start_is_one_sentence_that_points_at_no_log(taken, monkeypatch):
    monkeypatch.setattr("cxr.node.stow_source.uvicorn.Server.run", lambda *_, **__: None)
    source = StowSourceSettings(kind="stow", port=free_port()).open("web", taken.around())
    with pytest.raises(NodeError, match="did not start within 10 s on"):
        source.start()
