"""Clients that send slowly, half or nothing: they hold no place, and are given up."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import pytest

from serving.errors import ServiceError
from serving.load import Load
from serving.settings import Settings
from tests.serving.test_errors import connected
from tests.serving.xrays import picture, text_of

GOOD = {"image": text_of(picture())}
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
SLOW_CLIENTS = 16


@contextlib.contextmanager
def many(client: httpx.Client, start: bytes, count: int) -> Iterator[list[socket.socket]]:
    """That many connections which have sent `start` and then wait."""
    with contextlib.ExitStack() as stack:
        raws = [stack.enter_context(connected(client)) for _ in range(count)]
        for raw in raws:
            raw.sendall(start)
        time.sleep(0.1)  # so that the server has met all of them
        yield raws


def closed(raw: socket.socket) -> bool:
    """Whether the server ends the connection without an answer, before the socket's own 20 s are over."""
    try:
        return raw.recv(100) == b""
    except ConnectionResetError:
        return True


def test_bodies_on_their_way_hold_no_place(serve):
    with (
        serve(Settings(max_requests=1)) as client,
        many(client, HEAD % 1000 + b"{", SLOW_CLIENTS) as slow,
    ):
        for _ in range(3):
            for raw in slow:
                raw.sendall(b" ")
            assert client.post("/predict", json=GOOD).status_code == 200


def test_a_body_that_comes_too_slowly_is_given_up(serve, monkeypatch):
    monkeypatch.setattr("serving.requests.RATE_WINDOW_S", 0.3)
    with serve() as client, connected(client) as raw:
        raw.sendall(HEAD % 1000)
        for _ in range(3):
            time.sleep(0.05)
            raw.sendall(b" ")
        assert raw.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_comes_fast_enough_may_take_several_windows(serve, monkeypatch):
    monkeypatch.setattr("serving.requests.RATE_WINDOW_S", 0.4)
    body = json.dumps(GOOD).encode().ljust(12_000)

    def pieces():
        for at in range(0, len(body), 1000):
            time.sleep(0.1)
            yield body[at : at + 1000]

    with serve() as client:
        sent = client.post("/predict", content=pieces(), headers={"Content-Type": "application/json"})
    assert sent.status_code == 200


@pytest.mark.parametrize("start", [b"", b"POST /predict HTTP/1.1\r\nHos"], ids=["nothing", "half a header"])
def test_headers_that_do_not_end_are_given_up(serve, start):
    with serve(Settings(header_timeout_s=1)) as client, many(client, start, 20) as raws:
        assert all(closed(raw) for raw in raws)
        assert client.get("/readyz").status_code == 200


def test_half_a_header_after_a_request_is_given_up_too(serve):
    with serve(Settings(header_timeout_s=1)) as client, connected(client) as raw:
        raw.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 200 ")
        raw.sendall(b"GET /livez HT")
        while (answer := raw.recv(1000)) and b"HTTP/1.1" not in answer:
            pass
        assert answer == b""


def test_a_body_that_goes_on_after_its_answer_is_given_up(serve):
    with serve(Settings(header_timeout_s=1, max_bytes=1024)) as client, connected(client) as raw:
        raw.sendall(HEAD % 10**9)
        assert raw.recv(1000).startswith(b"HTTP/1.1 413 ")
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                raw.sendall(b" ")
                time.sleep(0.05)
            pytest.fail("the server went on reading")


def test_connections_beyond_the_cap_get_503_and_leave_room_when_they_go(serve):
    with serve(Settings(max_connections=5)) as client:
        with many(client, b"", 5), connected(client) as late:
            answer = late.recv(1000)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: 1" in answer
        time.sleep(0.1)
        assert client.get("/readyz").status_code == 200


def test_two_requests_sent_at_once_get_two_answers(serve):
    with serve() as client, connected(client) as raw:
        raw.sendall(
            b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        answers = b""
        while part := raw.recv(1000):
            answers += part
        assert answers.count(b"HTTP/1.1 200 ") == 2


def test_an_old_unfinished_body_gives_its_bytes_to_another_request(monkeypatch: pytest.MonkeyPatch) -> None:
    # In a thread: Playwright's browser, once started, keeps an event loop of its own in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(anyio.run, _an_old_body_gives_way, monkeypatch).result()


async def _an_old_body_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    load = Load(requests=4, held_bytes=100, pictures=1)
    async with load.share() as slow, load.share() as new:
        with anyio.CancelScope() as slow.reading:
            slow.hold(80)
            with pytest.raises(ServiceError, match="busy") as refused:
                new.hold(50)  # the other one has only just begun
            assert refused.value.status == 503
            monkeypatch.setattr("serving.load.YIELDS_AFTER_S", -1)
            new.hold(50)
            await anyio.sleep(5)
    assert slow.given_up
    assert not new.given_up
