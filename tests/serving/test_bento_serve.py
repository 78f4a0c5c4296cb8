"""The service as an operator runs it: `bentoml serve`, its log, its memory, its stop."""

import concurrent.futures
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.serving.bento_server import ROOT, Server, put_model, served, store_environment
from tests.serving.test_errors import black_png
from tests.serving.xrays import encoded, grey, picture, text_of
from tests.tiny import tiny_bundle

pytestmark = pytest.mark.slow
GOOD = {"image": text_of(picture())}
MIB = 2**20


@pytest.fixture(scope="module")
def home(tmp_path_factory, bundle: Path) -> Path:
    folder = tmp_path_factory.mktemp("bentoml")
    put_model(folder, bundle)
    return folder


@pytest.fixture(scope="module")
def server(home: Path):
    with served(home) as running:
        yield running


def test_it_answers_as_the_application_in_this_process_does(server: Server, client):
    for path in ("/predict", "/predict/batch", "/sendbase64"):
        body = {"/predict": GOOD, "/predict/batch": {"images": [GOOD["image"]]}, "/sendbase64": {"pic": GOOD["image"]}}
        real, here = (httpx.post(url + path, json=body[path], timeout=30) for url in (server.url, str(client.base_url)))
        assert (real.status_code, real.content) == (here.status_code, here.content)
    for path in ("/", "/model", "/docs.json", "/livez", "/readyz"):
        assert httpx.get(server.url + path).content == client.get(path).content


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/predict", 405), ("POST", "/livez", 405), ("GET", "/static_content/a", 404)],
)
def test_the_servers_own_errors_have_the_one_form(server: Server, method, path, status):
    response = httpx.request(method, server.url + path)
    assert response.status_code == status
    assert set(response.json()["error"]) == {"code", "message"}


def test_the_metrics_are_ours_and_show_the_model(server: Server):
    httpx.get(server.url + "/some/path/of/a/client")
    text = httpx.get(server.url + "/metrics").text
    assert 'cxr_model_info{backbone="tiny"' in text
    assert 'route="unknown"' in text
    assert "some/path" not in text


def test_no_picture_name_or_base64_is_ever_written(server: Server):
    name = "Mustermann_Erika_1970"
    httpx.post(server.url + "/predict", json=GOOD)
    httpx.post(server.url + "/predict", json={"image": [GOOD["image"]], name: 1})
    httpx.post(server.url + "/predict", content=json.dumps({"image": GOOD["image"]})[:-40])
    httpx.post(server.url + "/upload", files={"pic": (f"{name}.png", picture())})
    httpx.post(server.url + "/upload", files={name: (f"{name}.png", b"x")})
    httpx.get(f"{server.url}/{name}?{name}={GOOD['image'][:100]}", headers={"X-API-Key": name})
    log = server.log
    assert "POST /predict 200" in log
    assert name not in log
    assert not any(GOOD["image"][at : at + 16] in log for at in range(0, len(GOOD["image"]) - 16, 8))
    assert "Traceback" not in log


def test_nothing_is_written_to_disk_for_a_request(server: Server):
    worker = server.workers[0]
    noise = np.random.default_rng(0).integers(0, 64, (2400, 2000), np.uint8)
    big = encoded(np.kron(grey() // 2, np.ones((40, 40), np.uint8)) + noise)
    assert len(big) > MIB  # from where on Starlette's parser, for one, writes to disk
    before = worker.io_counters().write_bytes
    for _ in range(3):
        assert httpx.post(server.url + "/upload", files={"pic": ("a.png", big)}, timeout=60).status_code == 200
    assert worker.io_counters().write_bytes - before < MIB


def test_importing_the_service_brings_in_no_training_code(home: Path):
    unwanted = ["tensorflow", "keras", "mlflow", "pandas", "sklearn", "scipy", "matplotlib", "dvc"]
    script = f"import service, sys; service.CovidCxr.inner(); print([n for n in {unwanted} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=store_environment(home),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


def bomb() -> bytes:
    """A PNG of 100 KB whose rows are 100 MB."""
    return black_png(10_000, 10_000)


HEAVY = {
    "decompression bomb": ({"image": text_of(bomb())}, 413, "too_many_pixels"),
    "500 megapixels": ({"image": text_of(black_png(25_000, 20_000))}, 413, "too_many_pixels"),
    "deep JSON": (b"[" * 20 * MIB, 400, "not_json"),
    "deep object": (b'{"a":' * 4 * MIB, 400, "not_json"),
    "100 MiB": (b"x" * 100 * MIB, 413, "too_large"),
    "not UTF-8": (b"\xff" * 20 * MIB, 400, "not_json"),
}


@pytest.mark.parametrize(("body", "status", "code"), HEAVY.values(), ids=HEAVY)
def test_a_heavy_request_gets_its_error_and_little_memory(home: Path, server: Server, body, status, code):
    worker = server.workers[0]
    httpx.post(server.url + "/predict", json=GOOD)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with Peak(worker) as peak:
        response = httpx.post(
            server.url + "/predict", content=content, headers={"Content-Type": "application/json"}, timeout=60
        )
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert peak.extra <= 100 * MIB


class Peak:
    """Most resident memory of a process inside the block, beyond what it had before."""

    def __init__(self, process):
        self._process, self._stop = process, threading.Event()

    def __enter__(self) -> "Peak":
        self._before = self.most = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def extra(self) -> int:
        return self.most - self._before

    def _watch(self) -> None:
        while not self._stop.wait(0.002):
            self.most = max(self.most, self._process.memory_info().rss)


def heavy_picture(seed: int = 0) -> bytes:
    """One that takes tens of milliseconds to decode."""
    return encoded(np.kron(grey(seed, (64, 64)), np.ones((40, 40), np.uint8)), "JPEG", quality=95)


def test_overload_is_turned_away_politely_and_passes(home: Path):
    request = {"image": text_of(heavy_picture())}
    with served(home, CXR_MAX_REQUESTS="8") as server:
        limits = httpx.Limits(max_connections=80)
        with httpx.Client(base_url=server.url, timeout=60, limits=limits) as client:

            def ask(number: int) -> httpx.Response:
                return client.post("/predict", json=request)

            with concurrent.futures.ThreadPoolExecutor(64) as clients:
                answers = list(clients.map(ask, range(640)))
            statuses = {answer.status_code for answer in answers}
            assert statuses == {200, 503}
            turned_away = [answer for answer in answers if answer.status_code == 503]
            assert all(int(answer.headers["retry-after"]) >= 1 for answer in turned_away)
            assert all(answer.json()["error"]["code"] == "overloaded" for answer in turned_away)
            time.sleep(int(turned_away[0].headers["retry-after"]))
            assert client.post("/predict", json=request).status_code == 200
            # A request waits for at most as many others as there are places: that bounds the slowest answer.
            assert 'cxr_errors_total{code="overloaded",route="/predict"}' in client.get("/metrics").text


def test_a_stop_signal_under_load_loses_no_accepted_request(home: Path):
    """Every request whose answer began is complete; the others were never accepted, and see a closed connection."""
    request = {"image": text_of(heavy_picture())}
    outcomes: list[str] = []
    with served(home) as server:
        stopping = threading.Event()

        def ask_on() -> None:
            while not stopping.is_set():
                try:
                    outcomes.append(str(httpx.post(server.url + "/predict", json=request, timeout=60).status_code))
                except httpx.ConnectError:
                    return  # nobody listens any more
                except httpx.TransportError as fault:
                    outcomes.append(type(fault).__name__)
                    return

        clients = [threading.Thread(target=ask_on) for _ in range(8)]
        for client in clients:
            client.start()
        time.sleep(2)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
        stopping.set()
        for client in clients:
            client.join()
        done = server.log.count("POST /predict 200")
    assert outcomes.count("200") == done > 0
    assert set(outcomes) <= {"200", "ReadError", "RemoteProtocolError"}


def test_a_new_champion_is_picked_up_and_an_unreadable_one_is_not(home: Path, bundle: Path, tmp_path: Path):
    own = tmp_path / "store"
    put_model(own, bundle)
    with served(own, CXR_FOLLOW_S="1") as server:

        def version() -> str:
            return httpx.get(server.url + "/model").json()["version"]

        first = version()
        broken = tiny_bundle(tmp_path / "broken", seed=3)
        (broken / "trunk.xml").unlink()
        (broken / "trunk.xml").write_text("<net")
        put_model(own, broken)
        eventually(lambda: "goes on answering" in server.log)
        assert version() == first
        assert httpx.post(server.url + "/predict", json=GOOD).status_code == 200
        put_model(own, tiny_bundle(tmp_path / "newer", seed=5))
        eventually(lambda: version() != first)
        assert httpx.post(server.url + "/predict", json=GOOD).json()["model"]["version"] == version()


def eventually(holds, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("variables", "words"),
    [({"CXR_MAX_BYTES": "lots"}, "CXR_MAX_BYTES is 'lots'; it takes"), ({"CXR_MODEL": "nobody:v1"}, "nobody:v1")],
)
def test_it_does_not_start_with_what_it_can_not_use(home: Path, variables, words):
    with pytest.raises(RuntimeError, match="stopped at once") as raised, served(home, **variables):
        pass
    assert words in str(raised.value)
