"""`cxr watch`: what it prints, its exit status, and the webhook."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import CxrError
from cxr.inference.site_profile import write_profile
from cxr.watch.command import command
from cxr.watch.statistics import reference_of
from tests.site_profiles import profile
from tests.watch.made import Site, drawn_values


class Hook:
    """A web address that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[dict] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/hook-of-secret"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    found = Site(tmp_path)
    rng = np.random.default_rng(0)
    reference = reference_of([drawn_values(rng) for _ in range(150)])
    write_profile(replace(profile(), reference=reference), tmp_path / "profile.json")
    return found


def words(site: Site, *more: str) -> list[str]:
    folder = site.store.path.parent
    return ["--store", str(site.store.path), "--profile", str(folder / "profile.json"), *more]


def test_nothing_has_moved(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.answers(40)
    assert command(words(site)) == 0
    assert "nothing has moved in 40 pictures" in capsys.readouterr().out
    assert command(words(site, "--json")) == 0
    assert json.loads(capsys.readouterr().out)["moved"] == []


def test_what_has_moved_is_printed_with_its_time_and_shares(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.answers(60, grey=190)
    assert command(words(site)) == 1
    printed = capsys.readouterr().out
    assert "watch: brightness has moved since about 2024-" in printed
    assert "before:" in printed
    assert "180-190" in printed
    assert "no DICOM" in printed
    assert command(words(site, "--restart")) == 0


def test_a_new_alarm_is_posted_once(site: Site, hook: Hook) -> None:
    site.answers(60, grey=190)
    for _ in range(2):
        assert command(words(site, "--webhook", hook.address)) == 1
    (told,) = hook.told
    assert told["moved"][0]["statistic"] == "brightness"
    assert told["text"].startswith("watch: brightness has moved")


@pytest.mark.parametrize("status", [500, 302])
def test_a_webhook_that_does_not_take_it_is_told_again(site: Site, hook: Hook, status: int) -> None:
    site.answers(60, grey=190)
    hook.status = status
    with pytest.raises(CxrError, match=f"answered {status}") as raised:
        command(words(site, "--webhook", hook.address))
    assert "secret" not in str(raised.value)
    hook.status = 204
    assert command(words(site, "--webhook", hook.address)) == 1
    assert len(hook.told) == 2


@pytest.mark.parametrize("address", ["file:///etc/passwd", "nonsense", "http://127.0.0.1:1/secret"])
def test_a_webhook_that_is_none_is_one_sentence(site: Site, address: str) -> None:
    site.answers(60, grey=190)
    with pytest.raises(CxrError, match="webhook") as raised:
        command(words(site, "--webhook", address))
    assert "secret" not in str(raised.value)


def test_a_store_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CxrError, match="cannot be used"):
        command(["--store", str(tmp_path / "none.db")])


def test_the_help_says_what_the_exit_status_means(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command(["--help"])
    assert "1 a statistic has moved" in capsys.readouterr().out
