"""Whatever comes in, what goes out is an answer or {"error": {"code", "message"}} with the right status."""

import json
import socket
import struct
import time
import zlib

import httpx
import numpy as np
import pytest

from cxr.imaging.decode import IMAGE_ERROR_CODES, decode
from serving.errors import PICTURE_STATUS
from serving.settings import Settings
from tests.serving.xrays import picture, text_of


def code_of(response: httpx.Response) -> tuple[int, str]:
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["message"]
    return response.status_code, body["error"]["code"]


def post(client: httpx.Client, content: bytes, media_type: str = "application/json") -> tuple[int, str]:
    return code_of(client.post("/predict", content=content, headers={"Content-Type": media_type}))


def connected(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port), timeout=20)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def black_png(width: int, height: int) -> bytes:
    """A few kilobytes that claim to be this many pixels; their rows go on as long as deflate lets them."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min(width * height, 10_000_000)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_every_fault_of_a_picture_has_an_http_status():
    assert PICTURE_STATUS.keys() == IMAGE_ERROR_CODES.keys()


GOOD = text_of(picture())
CASES = {
    "broken JSON": (b'{"image": ', 400, "not_json"),
    "nothing": (b"", 400, "not_json"),
    "not UTF-8": (b'{"image": "\xff\xfe"}', 400, "not_json"),
    "UTF-16": ('{"image": "AAAA"}'.encode("utf-16"), 400, "not_json"),
    "deep JSON": (b"[" * 200_000, 400, "not_json"),
    "deep object": (b'{"a":' * 100_000, 400, "not_json"),
    "a huge number": (b'{"image": ' + b"9" * 100_000 + b"}", 400, "not_json"),
    "a list": (b"[]", 422, "invalid_field"),
    "null": (b"null", 422, "invalid_field"),
    "no image": (b"{}", 422, "invalid_field"),
    "image is a number": (b'{"image": 5}', 422, "invalid_field"),
    "image is null": (b'{"image": null}', 422, "invalid_field"),
    "explain is a text": (json.dumps({"image": GOOD, "explain": "yes"}).encode(), 422, "invalid_field"),
    "explain is a number": (json.dumps({"image": GOOD, "explain": 1}).encode(), 422, "invalid_field"),
    "a misspelt field": (json.dumps({"image": GOOD, "explian": True}).encode(), 422, "invalid_field"),
    "not Base64": (b'{"image": "!!!"}', 400, "not_base64"),
    "half a surrogate pair": (b'{"image": "\\ud800"}', 400, "not_base64"),
    "a data URI without base64": (b'{"image": "data:image/png,abc"}', 400, "not_base64"),
    "Base64 of nothing": (b'{"image": ""}', 400, "empty"),
    "a data URI of nothing": (b'{"image": "data:image/png;base64,"}', 400, "empty"),
    "not a picture": (json.dumps({"image": text_of(b"hello, world")}).encode(), 415, "not_a_picture"),
    "a GIF": (json.dumps({"image": text_of(b"GIF89a" + bytes(100))}).encode(), 415, "unsupported"),
    "half a picture": (json.dumps({"image": text_of(picture()[:900])}).encode(), 400, "corrupt"),
    "500 megapixels": (json.dumps({"image": text_of(black_png(25_000, 20_000))}).encode(), 413, "too_many_pixels"),
}


@pytest.mark.parametrize(("content", "status", "code"), CASES.values(), ids=CASES)
def test_a_bad_request_has_its_named_error(client, content, status, code):
    assert post(client, content) == (status, code)


def test_the_message_names_the_field(client):
    for fields, name in (({}, "image"), ({"image": GOOD, "explain": 0}, "explain")):
        assert name in client.post("/predict", json=fields).json()["error"]["message"]
    assert "images[1]" in client.post("/predict/batch", json={"images": [GOOD, 7]}).json()["error"]["message"]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "imagenary", "nonsense"])
def test_another_content_type_is_refused(client, media_type):
    assert post(client, json.dumps({"image": GOOD}).encode(), media_type) == (415, "unsupported_media_type")


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_the_content_type_may_be_written_in_every_usual_way(client, media_type):
    sent = client.post("/predict", content=json.dumps({"image": GOOD}), headers={"Content-Type": media_type})
    assert sent.status_code == 200


def test_a_form_without_a_content_type_is_no_form(client):
    assert code_of(client.send(client.build_request("POST", "/upload", content=b"x"))) == (400, "bad_request")


FORMS = {
    "no boundary": ("multipart/form-data", b"x", 400, "bad_request"),
    "cut off": ("multipart/form-data; boundary=x", b"--x\r\nContent-Disp", 422, "invalid_field"),
    "no form": ("multipart/form-data; boundary=x", b"hello", 400, "bad_request"),
    "another field": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc\r\n--x--\r\n',
        422,
        "invalid_field",
    ),
    "an empty file": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="pic"; filename=""\r\n\r\n\r\n--x--\r\n',
        400,
        "empty",
    ),
    "too many parts": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 100 + b"--x--\r\n",
        400,
        "bad_request",
    ),
    "JSON": ("application/json", b"{}", 415, "unsupported_media_type"),
}


@pytest.mark.parametrize(("media_type", "content", "status", "code"), FORMS.values(), ids=FORMS)
def test_a_bad_form_has_its_named_error(client, media_type, content, status, code):
    response = client.post("/upload", content=content, headers={"Content-Type": media_type})
    assert code_of(response) == (status, code)


@pytest.mark.parametrize(
    "path", ["/nowhere", "/predict/", "/../service.py", "/static_content/x", "/schema.xml", "/csp.txt"]
)
def test_an_unknown_address_is_404(client, path):
    assert code_of(client.get(path)) == (404, "not_found")


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/sendbase64", "/upload"])
def test_a_wrong_method_is_405_and_says_which_are_right(client, path):
    response = client.get(path)
    assert code_of(response) == (405, "method_not_allowed")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/", "/model", "/metrics", "/livez", "/readyz", "/docs.json", "/main.js"])
def test_what_can_be_read_can_not_be_posted_to(client, path):
    response = client.post(path)
    assert code_of(response) == (405, "method_not_allowed")
    assert "GET" in response.headers["allow"]


@pytest.fixture(scope="module")
def small(serve):
    """Of a server that takes only small pictures."""
    with serve(Settings(max_bytes=10_000, max_pixels=5_000)) as client:
        yield client


class TestTooLarge:
    def test_by_its_declared_length_before_it_is_sent(self, small):
        with connected(small) as raw:
            raw.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 413 ")

    def test_in_chunks_without_a_length(self, small):
        def chunks():
            for _ in range(1000):
                yield b"x" * 1000

        response = small.post("/predict", content=chunks(), headers={"Content-Type": "application/json"})
        assert code_of(response) == (413, "too_large")

    def test_as_a_whole_body(self, small):
        assert post(small, b"x" * 1_000_000) == (413, "too_large")

    def test_as_a_picture_inside_a_body_that_is_not_too_large(self, small):
        assert post(small, json.dumps({"image": text_of(bytes(10_500))}).encode()) == (413, "too_large")
        sent = small.post("/upload", files={"pic": ("x", bytes(10_500))})
        assert code_of(sent) == (413, "too_large")

    def test_in_pixels(self, small):
        assert post(small, json.dumps({"image": text_of(black_png(100, 51))}).encode()) == (413, "too_many_pixels")

    def test_and_the_connection_still_works(self, small):
        for _ in range(3):
            assert post(small, b"x" * 1_000_000) == (413, "too_large")
            assert small.get("/readyz").status_code == 200


def test_a_body_that_does_not_arrive_is_given_up(serve):
    with serve(Settings(body_timeout_s=1)) as client, connected(client) as raw:
        raw.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert raw.recv(100).startswith(b"HTTP/1.1 408 ")


def test_an_answer_that_takes_too_long_is_504(serve, monkeypatch):
    def slowly(data: bytes, **options: int) -> np.ndarray:
        time.sleep(0.1)
        return decode(data, **options)

    monkeypatch.setattr("serving.context.ANSWER_WITHIN_S", 0.05)
    monkeypatch.setattr("serving.context.decode", slowly)
    with serve() as client:
        response = client.post("/predict/batch", json={"images": [GOOD] * 9})
    assert code_of(response) == (504, "timeout")


def test_a_fault_of_ours_is_500_in_the_same_form_and_its_text_stays_out_of_the_log(
    serve, champion, caplog, monkeypatch
):
    patient = "Jane " + "Doe"  # in two parts, because the log shows lines of the source

    def fails(*arguments: object, **options: object) -> None:
        raise RuntimeError(patient)

    monkeypatch.setattr("serving.context.answer", fails)
    with caplog.at_level("INFO"), serve() as client:
        assert post(client, json.dumps({"image": GOOD}).encode()) == (500, "server")
    assert "RuntimeError" in caplog.text
    assert patient not in caplog.text


KEY = "correct horse"


@pytest.fixture(scope="module")
def locked(serve):
    """Of a server that wants a key."""
    with serve(Settings(api_key=KEY)) as client:
        yield client


class TestApiKey:
    @pytest.mark.parametrize("key", [None, "", "wrong", "correct hors", "correct horsé"])
    def test_without_the_key_nothing_is_answered(self, locked, key):
        headers = {} if key is None else {b"X-API-Key": key.encode()}
        response = locked.post("/predict", json={"image": GOOD}, headers=headers)
        assert code_of(response) == (401, "unauthorised")
        assert response.headers["www-authenticate"]
        assert locked.get("/model", headers=headers).status_code == 401

    def test_with_the_key_it_is(self, locked):
        response = locked.post("/predict", json={"image": GOOD}, headers={"X-API-Key": KEY})
        assert response.status_code == 200

    @pytest.mark.parametrize("path", ["/", "/readyz", "/docs.json"])
    def test_the_page_and_the_probes_need_none(self, locked, path):
        assert locked.get(path).status_code == 200
