"""BentoML's own clients against the real service, and the strict front before the methods that they call."""

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bentoml
import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from bentoml.exceptions import BentoMLException
from PIL import Image

from benchmarks.two_ways import FORM, form_of
from tests.serving.bento_server import ROOT, Server, served
from tests.serving.test_errors import code_of
from tests.serving.xrays import picture, text_of

pytestmark = pytest.mark.slow
NATIVE = ("/api/predict", "/api/predict_batch", "/api/model_info")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with served(home, CXR_MAX_BYTES="200000", CXR_MAX_BATCH="3") as running:
        yield running


@pytest.fixture(scope="module")
def native(server: Server) -> Iterator[bentoml.SyncHTTPClient]:
    with bentoml.SyncHTTPClient(server.url) as client:
        yield client


def plain(server: Server, data: bytes, *, explain: bool) -> dict[str, Any]:
    """What POST /predict says."""
    body = {"image": text_of(data), "explain": explain}
    return httpx.post(server.url + "/predict", json=body, timeout=30).raise_for_status().json()


# --- the clients -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("explain", [False, True])
def test_the_client_gets_what_predict_answers(server: Server, native, file: Path, explain: bool):
    wanted = plain(server, picture(2), explain=explain)
    assert ("heatmap" in wanted) == explain
    assert native.predict(image=file, explain=explain) == wanted
    assert native.predict(str(file), explain) == wanted
    with Image.open(file) as image:
        assert native.predict(image=image, explain=explain) == wanted


def test_the_asynchronous_client_gets_it_too(server: Server, file: Path):
    async def ask() -> Any:
        async with bentoml.AsyncHTTPClient(server.url) as client:
            return await client.predict(image=file), await client.predict_batch(images=[file, file])

    with start_blocking_portal() as thread:  # a loop of a browser's tests may run in this one
        one, several = thread.call(ask)
    wanted = plain(server, picture(2), explain=False)
    assert (one, several) == (wanted, {"results": [wanted, wanted]})


def test_a_batch_has_an_error_where_a_picture_is_none(server: Server, native, file: Path, tmp_path: Path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(picture()[:60])
    body = {"images": [text_of(picture(2)), text_of(picture()[:60])]}
    wanted = httpx.post(server.url + "/predict/batch", json=body).json()
    assert [set(result) == {"error"} for result in wanted["results"]] == [False, True]
    assert native.predict_batch(images=[file, broken]) == wanted


def test_the_facts_are_those_of_the_model(server: Server, native):
    assert native.model_info() == httpx.get(server.url + "/model").json()


def test_the_example_for_operators_runs(server: Server, file: Path):
    example = re.findall(r"```python\n(.*?)```", (ROOT / "docs/serving.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    script = example.replace("http://127.0.0.1:3000", server.url)
    done = subprocess.run([sys.executable, "-c", script], cwd=file.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wanted = plain(server, picture(2), explain=True)
    version = wanted["model"]["version"]
    assert done.stdout.split() == [wanted["state"], str(wanted["percentage"]), wanted["state"], version]


def test_base64_is_taken_as_json(server: Server):
    wanted = plain(server, picture(2), explain=True)
    said = httpx.post(server.url + "/api/predict", json={"image": text_of(picture(2)), "explain": True})
    assert said.json() == wanted
    assert said.headers["content-type"] == "application/json"
    assert said.headers["cache-control"] == "no-store"


def test_the_refusal_of_a_picture_reaches_the_client(native, tmp_path: Path):
    blank = tmp_path / "blank.png"
    Image.new("L", (40, 40), 7).save(blank)
    said = native.predict(image=blank)
    assert (said["state"], said["percentage"], said["reason"]["code"]) == ("Refused", None, "blank")


def test_an_error_of_the_client_has_the_one_form(server: Server, native, tmp_path: Path):
    text = tmp_path / "letter.txt"
    text.write_text("dear doctor")
    with pytest.raises(BentoMLException) as raised:
        native.predict(image=text)
    assert json.loads(str(raised.value))["error"]["code"] == "not_a_picture"
    assert "dear doctor" not in server.log
    assert "Traceback" not in server.log


def test_the_benchmark_asks_as_the_client_does(server: Server):
    said = httpx.post(server.url + "/api/predict", content=form_of(picture(2)), headers={"Content-Type": FORM})
    assert said.json() == plain(server, picture(2), explain=False)


# --- the front before them -------------------------------------------------------------------------------------


def form(*parts: tuple[str, str]) -> dict[str, Any]:
    """A form of texts, none of which is a file."""
    return {"files": [(name, (None, value)) for name, value in parts]}


WRONG: dict[str, tuple[str, dict[str, Any], tuple[int, str]]] = {
    "no field": ("/api/predict", {"json": {}}, (422, "invalid_field")),
    "another field": ("/api/predict", {"json": {"image": "", "imge": 1}}, (422, "invalid_field")),
    "not JSON": ("/api/predict", {"content": b"{"}, (400, "not_json")),
    "not Base64": ("/api/predict", {"json": {"image": "/etc/passwd!"}}, (400, "not_base64")),
    "no flag": ("/api/predict", form(("image", "x"), ("explain", "1")), (422, "invalid_field")),
    "no file": ("/api/predict", form(("explain", "true")), (422, "invalid_field")),
    "too large": ("/api/predict", {"content": b"x" * 600_000}, (413, "too_large")),
    "too many": ("/api/predict_batch", form(*[("images", "x")] * 4), (422, "invalid_field")),
    "none": ("/api/predict_batch", {"json": {"images": []}}, (422, "invalid_field")),
    "an argument too many": ("/api/model_info", {"json": {"x": 1}}, (422, "invalid_field")),
    "a pickle": (
        "/api/predict",
        {"content": b"cos\nsystem\n(S'true'\ntR.", "headers": {"Content-Type": "application/vnd.bentoml+pickle"}},
        (415, "unsupported_media_type"),
    ),
}


@pytest.mark.parametrize(("path", "request_", "wanted"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_has_the_one_form(server: Server, path: str, request_: dict[str, Any], wanted: tuple[int, str]):
    assert code_of(httpx.post(server.url + path, **request_)) == wanted


@pytest.mark.parametrize("path", NATIVE)
def test_another_method_is_405(server: Server, path: str):
    assert code_of(httpx.get(server.url + path)) == (405, "method_not_allowed")


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[Any]]]:
    """An address on this machine, and who has called it."""
    called: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        stopped = threading.Event()

        def listen() -> None:
            while not stopped.is_set():
                try:
                    called.append(listening.accept())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/xray.png", called
        stopped.set()
        thread.join()


OF_OURS = ("not_base64", "not_json", "not_a_picture", "unsupported_media_type", "invalid_field")


def test_no_address_is_fetched_that_a_client_names(server: Server, native, elsewhere):
    address, called = elsewhere
    with pytest.raises(BentoMLException):
        native.predict(image=address)  # BentoML's client sends it as it is
    with pytest.raises(BentoMLException):
        native.predict_batch(images=[address])
    tries = [
        {"json": {"image": address}},
        {"content": address},
        {"content": f'"{address}"'},
        {"data": {"image": address}},
        form(("image", address)),
        form(("image", f'"{address}"')),
    ]
    for request in tries:
        said = httpx.post(server.url + "/api/predict", **request)
        assert said.json()["error"]["code"] in OF_OURS, request
    assert called == []


def test_no_request_is_written_to_disk(server: Server, native, file: Path):
    native.predict(image=file)
    worker = server.workers[0]
    before = worker.io_counters().write_bytes
    for _ in range(3):
        native.predict(image=file)
        native.predict_batch(images=[file] * 3)
    assert worker.io_counters().write_bytes - before < 64 * 1024
    assert "xray.png" not in server.log


# --- what BentoML makes of them --------------------------------------------------------------------------------


def test_bentomls_series_have_the_known_routes_and_no_other(server: Server, native, file: Path):
    native.predict(image=file)
    httpx.get(server.url + "/of/a/client")
    text = httpx.get(server.url + "/metrics").text
    counted = re.findall(r'bentoml_service_request_total\{endpoint="([^"]+)",http_response_code="200"', text)
    assert {*NATIVE, "/predict"} <= set(counted)
    assert "/of/a/client" not in text


def test_the_page_of_the_api_loads_from_here_alone(server: Server):
    page = httpx.get(server.url + "/api")
    loaded = re.findall(r'(?:src|href)="\./([^"]+)"', page.text)
    assert loaded
    assert re.findall(r'(?:src|href)="(?!\./|data:,)', page.text) == []
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for path in loaded:
        assert httpx.get(f"{server.url}/{path}").status_code == 200, path
    assert {*NATIVE, "/schema.json"} <= set(httpx.get(server.url + "/docs.json").json()["paths"])
