"""The clients of the original system get the bytes that they always got."""

import base64
import re

import httpx
import pytest

from cxr.inference.sentences import SENTENCES
from serving.settings import Settings
from tests.serving.xrays import BLANK, from_the_side, picture

PAGE = "https://old-page.example"
WINNER = re.compile(r"\d{1,3}\.\d\d% (NonCOVID|COVID)")


def android_base64(data: bytes) -> str:
    """java.util's android.util.Base64.DEFAULT: lines of 76 characters, each ended by a newline."""
    return base64.encodebytes(data).decode()


def winner_of(client: httpx.Client, data: bytes) -> str:
    probabilities = client.post("/predict", json={"image": base64.b64encode(data).decode()}).json()["probabilities"]
    label = max(probabilities, key=probabilities.get)
    return f"{100 * probabilities[label]:.2f}% {label}"


@pytest.mark.parametrize("seed", [0, 1])
def test_android_sends_base64_with_line_breaks_and_reads_the_exact_text(client, seed):
    data = picture(seed)
    text = android_base64(data)
    assert max(map(len, text.splitlines())) == 76
    response = client.post("/sendbase64", json={"pic": "data:image/jpeg;base64," + text})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.content == b'{"percentage": "%s"}' % winner_of(client, data).encode()


def test_android_may_leave_out_the_head_of_the_data_uri(client):
    response = client.post("/sendbase64", json={"pic": android_base64(picture())})
    assert WINNER.fullmatch(response.json()["percentage"])


def test_the_web_page_uploads_a_file_and_reads_the_exact_text(client):
    data = picture(kind="JPEG")
    response = client.post("/upload", files={"pic": ("chest 1.jpeg", data, "image/jpeg")})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.content == winner_of(client, data).encode()


def test_other_fields_of_the_form_do_not_matter(client):
    data = picture(kind="JPEG")
    response = client.post("/upload", files={"pic": ("a.jpeg", data), "other": ("b", b"x")}, data={"name": "x"})
    assert WINNER.fullmatch(response.text)


def test_a_page_on_a_configured_origin_may_call(serve):
    with serve(Settings(cors_origins=(PAGE,))) as client:
        asked = {
            "Origin": PAGE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        preflight = client.options("/sendbase64", headers=asked)
        assert preflight.headers["access-control-allow-origin"] == PAGE
        assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
        good = client.post("/upload", files={"pic": ("a.png", picture())}, headers={"Origin": PAGE})
        bad = client.post("/upload", files={"pic": ("a.png", b"x")}, headers={"Origin": PAGE})
        assert (good.status_code, bad.status_code) == (200, 415)
        for response in (good, bad):  # an error without it could not be read by the page
            assert response.headers["access-control-allow-origin"] == PAGE
            assert "origin" in response.headers["vary"].lower()  # a cache between must not mix origins
            assert response.headers["access-control-expose-headers"] == "Retry-After, X-Answer-Id"


@pytest.mark.parametrize("origins", [(), (PAGE,)])
def test_pages_of_other_origins_may_not(serve, origins):
    with serve(Settings(cors_origins=origins)) as client:
        asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
        assert "access-control-allow-origin" not in client.options("/predict", headers=asked).headers
        answer = client.post("/upload", files={"pic": ("a.png", picture())}, headers={"Origin": asked["Origin"]})
        assert "access-control-allow-origin" not in answer.headers


def test_any_page_may_call_where_a_star_says_so(serve):
    with serve(Settings(cors_origins=("*",))) as client:
        origin = {"Origin": "https://elsewhere.example"}
        answer = client.post("/upload", files={"pic": ("a.png", picture())}, headers=origin)
        assert answer.headers["access-control-allow-origin"] == "*"
        asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
        assert client.options("/predict", headers=asked).headers["access-control-allow-origin"] == "*"


def test_a_refused_picture_is_an_error_for_them(client):
    response = client.post("/upload", files={"pic": ("a.png", BLANK)})
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "blank"


def test_what_the_gate_refuses_is_an_error_for_them_too(gated):
    form = gated.post("/upload", files={"pic": ("a.png", from_the_side())})
    base64_text = gated.post("/sendbase64", json={"pic": android_base64(from_the_side())})
    for response in (form, base64_text):
        assert response.status_code == 422
        assert response.json()["error"] == {"code": "lateral", "message": SENTENCES["refusal.lateral"]}
