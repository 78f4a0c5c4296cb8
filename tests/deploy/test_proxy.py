"""nginx with the stack's own configuration, in front of two real replicas."""

import contextlib
import http.client
import json
import re
import ssl

import httpx
import pytest

from serving.settings import Settings
from tests.deploy.conftest import Proxy, Replicas
from tests.deploy.programs import DEPLOY, wait_for
from tests.serving.xrays import picture, text_of

pytestmark = pytest.mark.slow
GOOD = {"image": text_of(picture())}
CONFIGURATION = (DEPLOY / "nginx/nginx.conf").read_text()


def test_its_limits_are_those_of_the_service():
    service = CONFIGURATION.partition("# The service.")[2].partition("# MLflow")[0]
    most = Settings().max_body
    assert re.findall(r"client_(?:max_body|body_buffer)_size (\d+);", service) == [str(most), str(most)]
    assert f"client_header_timeout {Settings().header_timeout_s}s;" in CONFIGURATION
    assert "proxy_request_buffering" not in service  # on, as by default


def test_a_picture_is_answered_through_tls_by_both_replicas(proxy: Proxy, replicas: Replicas):
    with proxy.client("service") as client:
        answers = [client.post("/predict", json=GOOD) for _ in range(4)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["state"] for answer in answers} <= {"COVID", "NonCOVID"}
    assert all("POST /predict 200" in replicas.log(number) for number in (0, 1))


def test_nobody_gets_in_without_tls(proxy: Proxy):
    answer = httpx.get(f"http://127.0.0.1:{proxy.ports['service']}/readyz")
    assert answer.status_code == 400
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"https://127.0.0.1:{proxy.ports['service']}/readyz")  # a certificate that nobody knows


def test_a_body_over_the_limit_is_refused_in_the_services_words_before_it_is_sent(proxy: Proxy, replicas: Replicas):
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    refused = too_large(http.client.HTTPSConnection("127.0.0.1", proxy.ports["service"], context=context, timeout=10))
    assert refused[0] == 413
    assert refused == too_large(http.client.HTTPConnection("127.0.0.1", replicas.ports[0], timeout=10))


def too_large(connection: http.client.HTTPConnection) -> tuple[int, bytes]:
    """The answer to the headers alone."""
    with contextlib.closing(connection):
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Length", str(Settings().max_body + 1))
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_the_largest_body_reaches_the_service(proxy: Proxy):
    with proxy.client("service") as client:
        body = b" " * Settings().max_body
        answer = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "not_json")


def test_requests_that_are_coming_in_are_limited_for_all_addresses_together(proxy: Proxy):
    """Each may hold its whole body in the proxy's memory before the service sees a key."""
    most = int(re.findall(r"limit_conn doors (\d+);", CONFIGURATION)[0])
    with contextlib.ExitStack() as held:
        for number in range(most):
            begin(held.enter_context(contextlib.closing(connected(proxy, f"127.0.0.{2 + number % 4}"))))
        one_more = held.enter_context(contextlib.closing(connected(proxy, "127.0.0.9")))
        begin(one_more)
        answer = one_more.getresponse()
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert json.loads(answer.read())["error"]["code"] == "overloaded"
    with proxy.client("service") as client:
        wait_for(lambda: client.get("/readyz").status_code == 200, proxy.log_file)


def connected(proxy: Proxy, source: str) -> http.client.HTTPSConnection:
    """From an address of this machine."""
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    port = proxy.ports["service"]
    return http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10, source_address=(source, 0))


def begin(connection: http.client.HTTPSConnection) -> None:
    """A request whose body does not come."""
    connection.putrequest("POST", "/predict")
    connection.putheader("Content-Length", "1000")
    connection.endheaders()


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/x/../metrics", "/metrics?a=1"])
def test_the_metrics_are_not_public(proxy: Proxy, replicas: Replicas, path: str):
    with proxy.client("service") as client:
        answer = client.send(httpx.Request("GET", f"{client.base_url.copy_with(raw_path=path.encode())}"))
    assert answer.status_code == 404
    assert "cxr_" not in answer.text
    unknown = httpx.get(f"http://127.0.0.1:{replicas.ports[0]}/nowhere")
    assert answer.json() == unknown.json()


def test_the_log_has_no_path_and_no_address(proxy: Proxy):
    with proxy.client("service") as client:
        client.get("/Mustermann_Erika_1970?name=Mustermann")
        client.post("/upload", files={"pic": ("Mustermann.png", picture())})
    log = proxy.log_file.read_text()
    assert " GET 404 " in log
    assert "Mustermann" not in log
    assert "127.0.0.1" not in log


def test_the_registry_wants_the_password_and_gets_none_of_it(proxy: Proxy):
    with proxy.client("registry") as client:
        assert client.get("/").status_code == 401
        assert client.get("/", auth=("team", "wrong")).status_code == 401
        seen = client.get("/api", auth=("team", proxy.settings["REGISTRY_PASSWORD"])).json()
    assert "authorization" not in seen
    assert seen["host"] == f"127.0.0.1:{proxy.ports['registry']}"
    assert seen["x-forwarded-proto"] == "https"


def test_the_store_sees_the_host_and_the_signature_as_they_were_sent(proxy: Proxy):
    with proxy.client("store") as client:
        seen = client.put("/dvc/a%20b", content=b"x" * 100_000, headers={"Authorization": "AWS4 signed"}).json()
    assert seen["host"] == f"127.0.0.1:{proxy.ports['store']}"
    assert seen["authorization"] == "AWS4 signed"


def test_a_client_cannot_claim_another_address(proxy: Proxy):
    with proxy.client("watch") as client:
        seen = client.get("/", headers={"X-Forwarded-For": "10.1.2.3", "X-Forwarded-Proto": "http"}).json()
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("127.0.0.1", "https")
