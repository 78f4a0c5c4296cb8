"""Whom the node asks: the service and an engine of its own answer alike; faults are told apart."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cxr.common.errors import ImageError, UnsoundError
from cxr.inference.answer import Answer
from cxr.inference.manifest import digest_of
from cxr.inference.remarks import Remark
from cxr.inference.site_profile import ProfileError, read_profile, write_profile
from cxr.node.ask import EngineSettings, ServiceSettings, UnavailableError, answer_of
from cxr.node.values import TlsSettings
from tests.node.made import saved, xray
from tests.node.peers import certificates
from tests.site_profiles import profile


@contextmanager
def saying(
    status: int, document: object, headers: dict[str, str] | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[dict]]]:
    """A service that always answers so; its address, and what it was asked."""
    asked: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append({"path": self.path} | {name.lower(): value for name, value in self.headers.items()})
            body = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def error(code: str) -> dict[str, object]:
    return {"error": {"code": code, "message": "a sentence"}}


def test_the_service_and_the_engine_give_the_same_answer(complete_bundle: Path, tmp_path: Path) -> None:
    data = saved(xray(3), tmp_path).read_bytes()
    engine = EngineSettings("engine", str(complete_bundle), "f32").open()
    own = engine.ask(data, explain=True)
    document = json.loads(json.dumps(asdict(own.answer) | {"model": own.model, "id": "a" + "0" * 32}))
    key = tmp_path / "key"
    key.write_text("a-key-of-some-length\n")
    with saying(200, document) as (url, asked):
        said = ServiceSettings("service", url + "/", str(key)).open().ask(data, explain=True)
    assert said.answer == own.answer
    assert said.model == own.model
    assert (said.answer_id, own.answer_id) == ("a" + "0" * 32, "")
    assert asked[0]["path"] == "/predict?explain=true"
    assert asked[0]["content-type"] == "application/dicom"
    assert asked[0]["x-api-key"] == "a-key-of-some-length"


def test_an_engine_answers_by_its_site_s_profile(complete_bundle: Path, tmp_path: Path) -> None:
    data = saved(xray(3), tmp_path).read_bytes()
    site = commissioned(complete_bundle, tmp_path, calibration={"scale": 0.001, "offset": 9}, threshold=0.2)
    reply = EngineSettings("engine", str(complete_bundle), "f32", site=str(site)).open().ask(data, explain=False)
    assert (reply.answer.site, reply.answer.triage, reply.answer.threshold) == ("St. Example", "likely", 0.2)
    assert reply.answer.profile == read_profile(site).version
    assert answer_of(json.loads(json.dumps(asdict(reply.answer)))) == reply.answer


def test_an_engine_holds_objects_back_where_the_profile_withholds(complete_bundle: Path, tmp_path: Path) -> None:
    reasons = {"verdict": "not_for_use", "reasons": ["The AUC is 0.42."]}
    site = commissioned(complete_bundle, tmp_path, **reasons)
    engine = EngineSettings("engine", str(complete_bundle), "f32", site=str(site)).open()
    with pytest.raises(UnavailableError, match="not for use at this site") as caught:
        engine.ask(b"no picture: it is not even looked at", explain=False)
    assert (caught.value.held, caught.value.counted) == ("not_for_use", False)
    with saying(403, error("not_for_use")) as (url, _), pytest.raises(UnavailableError) as of_service:
        ServiceSettings("service", url).open().ask(b"data", explain=False)
    assert (str(of_service.value), of_service.value.held) == (str(caught.value), "not_for_use")


def test_an_engine_does_not_start_with_another_model_s_profile_or_an_unsigned_one(
    complete_bundle: Path, tmp_path: Path
) -> None:
    write_profile(profile(), tmp_path / "other.json")
    with pytest.raises(ProfileError, match="is another model"):
        EngineSettings("engine", str(complete_bundle), site=str(tmp_path / "other.json")).open()
    own = commissioned(complete_bundle, tmp_path)
    with pytest.raises(ProfileError, match="is not signed"):
        EngineSettings("engine", str(complete_bundle), site=str(own), site_keys=("00" * 32,)).open()
    with pytest.raises(ValueError, match="site_keys is there and site is not"):
        EngineSettings("engine", str(complete_bundle), site_keys=("00" * 32,))


def commissioned(bundle: Path, folder: Path, **changes: object) -> Path:
    model = {"name": "covid-cxr", "version": "1", "sha256": digest_of(bundle)}
    write_profile(profile(model=model, **changes), folder / "profile.json")
    return folder / "profile.json"


@pytest.mark.parametrize(
    "whole",
    [
        Answer("COVID", 90.0, {"NonCOVID": 0.1, "COVID": 0.9}, 0.5, (Remark("a", "A."),), "data:,", 0.75, None, 0.25),
        Answer("Refused", None, None, 0.5, reason=Remark("blank", "It shows nothing.")),
    ],
)
def test_every_field_of_an_answer_comes_through(whole: Answer) -> None:
    assert answer_of(json.loads(json.dumps(asdict(whole)))) == whole


def test_a_picture_and_the_key_are_not_sent_on_to_another_address(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a-key-of-some-length")
    with saying(200, {}) as (elsewhere, reached), saying(307, {}, {"Location": f"{elsewhere}/predict"}) as (url, asked):
        service = ServiceSettings("service", url, str(tmp_path / "key")).open()
        with pytest.raises(UnavailableError, match="TooManyRedirects"):
            service.ask(b"data", explain=False)
    assert (len(asked), reached) == (1, [])


def test_pictures_leave_this_machine_unencrypted_only_where_that_is_asked_for() -> None:
    with pytest.raises(ValueError, match="is not encrypted; use https, or set allow_http"):
        ServiceSettings("service", "http://10.0.0.5:3000")
    ServiceSettings("service", "http://10.0.0.5:3000", allow_http=True)


def test_a_service_with_a_certificate_of_the_house_is_believed(tmp_path: Path) -> None:
    certificates(tmp_path)
    listening = TlsSettings(f"{tmp_path}/one.pem", f"{tmp_path}/one.key").listening()
    with saying(415, error("unsupported"), tls=listening) as (url, _):
        trusting = ServiceSettings("service", url, tls=TlsSettings(authorities=f"{tmp_path}/ca.pem"))
        with pytest.raises(ImageError):
            trusting.open().ask(b"data", explain=False)
        with pytest.raises(UnavailableError, match="SSLError"):
            ServiceSettings("service", url).open().ask(b"data", explain=False)


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (415, "unsupported", ImageError),
        (400, "corrupt", ImageError),
        (413, "too_large", ImageError),
        (500, "unsound_answer", UnsoundError),
        (500, "server", UnavailableError),
        (401, "unauthorised", UnavailableError),
        (503, "overloaded", UnavailableError),
    ],
)
def test_faults_of_the_picture_are_told_from_those_of_the_service(status: int, code: str, fault: type) -> None:
    with saying(status, error(code)) as (url, _), pytest.raises(fault):
        ServiceSettings("service", url).open().ask(b"data", explain=False)


def test_retry_after_is_heeded() -> None:
    with saying(429, error("overloaded"), {"Retry-After": "7"}) as (url, _), pytest.raises(UnavailableError) as caught:
        ServiceSettings("service", url).open().ask(b"data", explain=False)
    assert caught.value.wait_s == 7


@pytest.mark.parametrize(
    ("status", "counted"),
    [(408, True), (500, True), (504, True), (401, False), (429, False), (502, False), (503, False)],
)
def test_a_fault_that_may_be_of_the_picture_is_counted(status: int, counted: bool) -> None:
    for document in (error("server"), "a page of a proxy"):
        with saying(status, document) as (url, _), pytest.raises(UnavailableError) as caught:
            ServiceSettings("service", url).open().ask(b"data", explain=False)
        assert caught.value.counted == counted


@pytest.mark.parametrize("document", [[], {"state": "Maybe"}, {"state": "COVID"}, "text"])
def test_an_answer_that_is_none_is_not_believed(document: object) -> None:
    with saying(200, document) as (url, _), pytest.raises(UnavailableError, match="without words that this node knows"):
        ServiceSettings("service", url).open().ask(b"data", explain=False)


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match="cannot be reached"):
        ServiceSettings("service", "http://127.0.0.1:1").open().ask(b"data", explain=False)
