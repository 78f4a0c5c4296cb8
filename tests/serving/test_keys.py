"""Several keys with names: withdrawn by removing a line, limited one by one, named in the log and never shown."""

import os
from pathlib import Path

import pytest

from serving.keys import Keys, KeysError, Rates
from serving.openapi import openapi
from serving.settings import Settings
from tests.serving.test_errors import code_of

WARD, PACS = "w" * 16, "p" * 32


@pytest.fixture
def file(tmp_path) -> Path:
    return written(tmp_path / "keys", f"# of this clinic\n\nward-3:{WARD}\n pacs:{PACS} \n")


def written(file: Path, text: str) -> Path:
    """The file with another time of change, however coarse the clock of the file system is."""
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(text)
    os.utime(file, ns=(before + 10**9, before + 10**9))
    return file


def asked(client, key: str, path: str = "/model"):
    return client.get(path, headers={"X-API-Key": key})


def test_each_key_opens_and_the_log_has_its_name_only(serve, file, caplog):
    with caplog.at_level("INFO", logger="bentoml"), serve(Settings(api_key="one", keys_file=str(file))) as client:
        assert [asked(client, key).status_code for key in (WARD, PACS, "one", "x" * 16, "")] == [
            200,
            200,
            200,
            401,
            401,
        ]
    lines = [record.getMessage() for record in caplog.records if "GET /model" in record.getMessage()]
    assert [line.partition(" key=")[2] for line in lines] == ["ward-3", "pacs", "default", "", ""]
    assert WARD not in caplog.text


def test_a_key_is_withdrawn_with_its_line_and_a_new_one_opens(serve, file):
    with serve(Settings(keys_file=str(file))) as client:
        assert asked(client, WARD).status_code == 200
        written(file, f"pacs:{PACS}\nnew:{'n' * 16}\n")
        assert [asked(client, key).status_code for key in (WARD, PACS, "n" * 16)] == [401, 200, 200]


@pytest.mark.parametrize("text", [None, "no key here", f"a:{WARD}\na:{PACS}", "a:short", f"é:{WARD}"])
def test_a_file_that_cannot_be_used_stops_the_start_and_changes_nothing_later(file, text, caplog):
    keys = Keys(file=file)
    if text is None:
        file.unlink()
    else:
        written(file, text)
    with pytest.raises(KeysError) as raised:
        Keys(file=file)
    assert WARD not in str(raised.value)
    with caplog.at_level("ERROR", logger="bentoml"):
        assert keys.name_of(WARD) == "ward-3"
        assert keys.name_of("x") is None
    assert caplog.text.count("the keys from before still hold") == 1


def test_a_key_that_asks_too_often_waits_and_the_others_do_not(serve, file):
    settings = Settings(keys_file=str(file), key_rate=3)
    with serve(settings) as client:
        assert [asked(client, WARD).status_code for _ in range(4)] == [200, 200, 200, 429]
        late = asked(client, WARD)
        assert code_of(late) == (429, "overloaded")
        assert 1 <= int(late.headers["Retry-After"]) <= 20
        assert asked(client, PACS).status_code == 200
    assert "429" in openapi(settings)["paths"]["/predict"]["post"]["responses"]


def test_requests_come_back_with_time(monkeypatch):
    now = 100.0
    monkeypatch.setattr("serving.keys.time.monotonic", lambda: now)
    rates = Rates(2)
    assert [rates.wait_s("a") for _ in range(3)] == [0, 0, 30]
    now += 29
    assert rates.wait_s("a") == 1
    now += 1
    assert [rates.wait_s("a") for _ in range(2)] == [0, 30]
    assert Rates(0).wait_s("a") == 0


@pytest.mark.parametrize("path", ["/metrics", "/docs.json"])
def test_what_operators_read_can_be_put_behind_the_key(serve, path):
    with serve(Settings(api_key=WARD)) as client:
        assert client.get(path).status_code == 200
    with serve(Settings(api_key=WARD, key_for_operators=1)) as client:
        assert code_of(client.get(path)) == (401, "unauthorised")
        assert asked(client, WARD, path).status_code == 200
        assert client.get("/readyz").status_code == 200
