"""What goes out over the web: to configured addresses alone, with TLS, and with each answer read for what it means."""

import json
import shutil
import subprocess
from contextlib import nullcontext

import pytest

from cxr.node.fhir_destination import FhirDestination
from cxr.node.parts import RejectedError, UnreachableError
from cxr.node.stow_destination import StowDestinationSettings
from cxr.node.values import TlsSettings
from cxr.node.web_address import WebAddress
from tests.node.web_parts import picture, stow_service, taking, web_receiver

REPORT = json.dumps({"identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:oid:2.25.1"}]}).encode()


@pytest.fixture
def receiver():
    with web_receiver() as state:
        yield state


@pytest.fixture
def around(tmp_path):
    with taking(tmp_path / "queue") as taken:
        yield taken.around()


@pytest.fixture
def fhir(receiver, around):
    return FhirDestination(kind="fhir", address=WebAddress(receiver.url)).open("his", around)


@pytest.fixture
def stow(receiver, around):
    return StowDestinationSettings(kind="stow", address=WebAddress(receiver.url)).open("pacs", around)


def test_a_report_is_posted_so_that_a_repetition_makes_no_second_one(fhir, receiver):
    fhir.send_reports([REPORT])
    ((headers, body),) = receiver.got
    assert body == REPORT
    assert headers["Content-Type"] == "application/fhir+json"
    assert headers["If-None-Exist"] == "identifier=urn:ietf:rfc:3986|urn:oid:2.25.1"


@pytest.mark.parametrize(("status", "fault"), [(422, RejectedError), (503, UnreachableError), (401, UnreachableError)])
def test_an_answer_tells_whether_another_try_helps(fhir, receiver, status, fault):
    receiver.says = (status, {}, {})
    with pytest.raises(fault, match=str(status)):
        fhir.send_reports([REPORT])


def test_a_redirect_is_not_followed(fhir, receiver):
    receiver.says = (302, {"Location": "/elsewhere"}, {})
    with pytest.raises(UnreachableError, match="TooManyRedirects"):
        fhir.send_reports([REPORT])
    assert len(receiver.got) == 1


def test_a_proxy_of_the_environment_is_not_used(fhir, receiver, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    fhir.send_reports([REPORT])
    assert len(receiver.got) == 1


def failed(reason: int) -> dict:
    item = {"00081155": {"vr": "UI", "Value": ["1.2.3"]}, "00081197": {"vr": "US", "Value": [reason]}}
    return {"00081198": {"vr": "SQ", "Value": [item]}}


def test_an_archive_that_has_the_object_already_counts_as_success(stow, receiver):
    receiver.says = (409, {}, failed(0x0111))
    stow.send([picture()])


@pytest.mark.parametrize("status", [202, 409])
@pytest.mark.parametrize(("reason", "fault"), [(0xA700, UnreachableError), (0x0122, RejectedError)])
def test_a_failure_reason_tells_whether_another_try_helps(stow, receiver, status, reason, fault):
    receiver.says = (status, {}, failed(reason))
    with pytest.raises(fault, match=f"{reason:04X}H"):
        stow.send([picture()])


def test_an_archive_that_explains_nothing_is_taken_at_its_status(stow, receiver):
    receiver.says = (400, {}, ["no object"])
    with pytest.raises(RejectedError, match="400"):
        stow.send([picture()])


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"url": "http://pacs.example/dicom-web"}, "not encrypted"),
        ({"url": "ftp://pacs.example"}, "no address"),
        ({"url": "https://user:word@pacs.example"}, "holds no password"),
        ({"url": "https://pacs.example", "user": "me"}, "belong together"),
    ],
)
def test_an_unsafe_address_is_refused(options, wrong):
    with pytest.raises(ValueError, match=wrong):
        WebAddress(**options)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Of 127.0.0.1, signed by itself."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl: install Debian's package openssl")
    folder = tmp_path_factory.mktemp("tls")
    place = TlsSettings(certificate=str(folder / "cert.pem"), key=str(folder / "key.pem"))
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    names = ["-subj", "/CN=node", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*made, *names, "-keyout", place.key, "-out", place.certificate], check=True, capture_output=True)
    return place


def test_tls_is_verified(tmp_path, around, certificate):
    with taking(tmp_path / "other") as other, stow_service(other, tls=certificate) as url:
        trusting = WebAddress(url.replace("http:", "https:"), tls=TlsSettings(authorities=certificate.certificate))
        strict = WebAddress(trusting.url)
        for address, raises in ((trusting, nullcontext()), (strict, pytest.raises(UnreachableError, match="SSLError"))):
            destination = StowDestinationSettings(kind="stow", address=address).open("node", around)
            with raises:
                destination.send([picture()])
            destination.close()
        assert other.uids == [picture().SOPInstanceUID]
