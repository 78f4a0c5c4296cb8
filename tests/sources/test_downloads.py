"""Both public downloads against local servers that speak their protocols: answers, refusals, wrong files."""

import json
import time
from pathlib import Path

import pytest

from cxr.sources import covid_chestxray, kaggle_pneumonia
from cxr.sources.covid_chestxray import CovidChestxrayParams
from cxr.sources.http import github, transfer
from cxr.sources.kaggle_pneumonia import KagglePneumoniaParams

from .downloads import COVID, KAGGLE, fault_of
from .made import HURRIED, files_under, noise, zip_of
from .servers import KAGGLE_CALL, Server, kaggle_error, status, web_page

# --- what comes when nothing is wrong -----------------------------------------------------------------------


def test_the_github_archive_becomes_the_layout_of_the_original(codeload: Server, tmp_path: Path):
    covid_chestxray.fetch(COVID, tmp_path / "covid")
    assert files_under(tmp_path) == ["covid/annotations/boxes.json", "covid/images/a.jpg", "covid/metadata.csv"]
    assert (tmp_path / "covid/images/a.jpg").read_bytes() == noise(300_000)


def test_the_kaggle_archive_comes_without_its_nested_copy_and_clutter(kaggle: Server, tmp_path: Path):
    kaggle_pneumonia.fetch(KAGGLE, tmp_path / "kaggle")
    assert files_under(tmp_path) == [
        "kaggle/chest_xray/test/PNEUMONIA/person1_virus_6.jpeg",
        "kaggle/chest_xray/train/NORMAL/IM-0115-0001.jpeg",
        "kaggle/chest_xray/val/NORMAL/NORMAL2-IM-1427-0001.jpeg",
    ]


def test_kaggle_is_asked_for_the_pinned_version_without_credentials(kaggle: Server, tmp_path: Path):
    kaggle_pneumonia.fetch(KAGGLE, tmp_path / "kaggle")
    (call,) = kaggle.state.requests_for(KAGGLE_CALL)
    assert json.loads(call.body)["datasetVersionNumber"] == 2
    assert "Authorization" not in call.headers


def test_a_token_is_sent_to_kaggle(kaggle: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kaggle.state.token = "KGAT_right"
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_right")
    kaggle_pneumonia.fetch(KAGGLE, tmp_path / "kaggle")
    assert (tmp_path / "kaggle").is_dir()


def test_a_legacy_key_file_is_sent_to_kaggle(kaggle: Server, tmp_path: Path):
    write_key_file(tmp_path, '{"username": "ada", "key": "secret"}')
    kaggle_pneumonia.fetch(KAGGLE, tmp_path / "kaggle")
    (call,) = kaggle.state.requests_for(KAGGLE_CALL)
    assert call.headers["Authorization"].startswith("Basic ")


def write_key_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "home/.kaggle/kaggle.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)


# --- refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "words"),
    [(403, "403 (forbidden)"), (404, "check `revision` in params.yaml"), (451, "451 (refused)")],
)
def test_a_refusal_by_github_is_not_tried_again(codeload: Server, tmp_path: Path, code: int, words: str):
    codeload.state.faults = [status(code)]
    assert words in fault_of(covid_chestxray, COVID, tmp_path / "covid")
    assert len(codeload.state.seen) == 1


@pytest.mark.parametrize("code", [401, 403])
@pytest.mark.parametrize("http", [None, 200])
def test_missing_credentials_are_asked_for(kaggle: Server, tmp_path: Path, code: int, http: int | None):
    kaggle.state.faults = [kaggle_error(code, http)]
    sentence = fault_of(kaggle_pneumonia, KAGGLE, tmp_path / "kaggle")
    assert "asks for credentials and none were found" in sentence
    assert "KAGGLE_API_TOKEN" in sentence


def test_a_refusal_by_the_storage_is_not_blamed_on_credentials(kaggle: Server, tmp_path: Path):
    kaggle.state.storage_faults = [status(403)]
    assert "credentials" not in fault_of(kaggle_pneumonia, KAGGLE, tmp_path / "kaggle")


def test_wrong_credentials_are_named_but_not_shown(kaggle: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kaggle.state.token = "KGAT_right"
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_wrong")
    sentence = fault_of(kaggle_pneumonia, KAGGLE, tmp_path / "kaggle")
    assert "does not accept the credentials" in sentence
    assert "KGAT_wrong" not in sentence


@pytest.mark.parametrize("text", ["{", '{"username": "ada"}'])
def test_a_broken_key_file_is_named(kaggle: Server, tmp_path: Path, text: str):
    write_key_file(tmp_path, text)
    assert "kaggle.json" in fault_of(kaggle_pneumonia, KAGGLE, tmp_path / "kaggle")


def test_a_token_with_a_line_break_is_named(kaggle: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT\nbroken")
    assert "a line break" in fault_of(kaggle_pneumonia, KAGGLE, tmp_path / "kaggle")


def test_a_version_that_kaggle_does_not_have_is_named(kaggle: Server, tmp_path: Path):
    params = KagglePneumoniaParams("kaggle_pneumonia", "public", ("NonCOVID",), 9)
    assert "has a version 9" in fault_of(kaggle_pneumonia, params, tmp_path / "kaggle")


def test_a_revision_must_be_a_full_commit_id(tmp_path: Path):
    params = CovidChestxrayParams("covid_chestxray", "public", "master", ("COVID",))
    assert "40 hex digits" in fault_of(covid_chestxray, params, tmp_path / "covid")


# --- a busy server, no server -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", [429, 500, 502, 503])
def test_a_busy_server_is_asked_again(codeload: Server, tmp_path: Path, code: int):
    codeload.state.faults = [status(code), status(code)]
    covid_chestxray.fetch(COVID, tmp_path / "covid")
    assert len(codeload.state.seen) == 3


@pytest.mark.parametrize("code", [429, 500])
def test_a_server_that_stays_busy_is_given_up(kaggle: Server, tmp_path: Path, code: int):
    kaggle.state.faults = [kaggle_error(code)] * 3
    assert f"answered {code}, 3 times in a row" in fault_of(kaggle_pneumonia, KAGGLE, tmp_path / "kaggle")


def test_retry_after_is_obeyed(codeload: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    waits: list[float] = []
    monkeypatch.setattr(transfer.time, "sleep", waits.append)
    codeload.state.faults = [status(429, Retry_After="3"), status(503, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")]
    covid_chestxray.fetch(COVID, tmp_path / "covid")
    assert waits == [3, 0]


def test_a_retry_after_beyond_patience_is_passed_on(codeload: Server, tmp_path: Path):
    codeload.state.faults = [status(429, Retry_After="3600")]
    assert "asks to wait 3600 s" in fault_of(covid_chestxray, COVID, tmp_path / "covid")


def test_no_network_is_one_sentence(server: Server, tmp_path: Path):
    server.shutdown()
    server.server_close()
    for source, params in ((covid_chestxray, COVID), (kaggle_pneumonia, KAGGLE)):
        sentence = fault_of(source, params, tmp_path / "source")
        assert "Connection refused" in sentence
        assert "data/README.md" in sentence


def test_an_unknown_host_is_one_sentence(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(github, "ARCHIVE_URL", "http://nowhere.invalid/{revision}")
    assert "no answer from the server" in fault_of(covid_chestxray, COVID, tmp_path / "covid")


def test_a_web_page_is_not_taken_for_the_archive(codeload: Server, tmp_path: Path):
    codeload.state.faults = [web_page]
    assert "web page" in fault_of(covid_chestxray, COVID, tmp_path / "covid")


def test_a_silent_server_is_given_up(codeload: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    impatient = transfer.Patience(connect_timeout_s=5, read_timeout_s=0.05, attempts=1, backoff_s=0)
    monkeypatch.setattr(github, "PATIENCE", impatient)
    monkeypatch.setattr(kaggle_pneumonia, "PATIENCE", impatient)
    codeload.state.faults = [lambda _: time.sleep(0.5)] * 2
    assert "went silent" in fault_of(covid_chestxray, COVID, tmp_path / "covid")
    assert "went silent" in fault_of(kaggle_pneumonia, KAGGLE, tmp_path / "kaggle")


# --- not what it should be --------------------------------------------------------------------------------


def test_a_wrong_hash_is_found(kaggle: Server, tmp_path: Path):
    kaggle.state.storage_faults = [lambda handler: handler.stored(md5=bytes(16))]
    assert "is not the one that the server described" in fault_of(kaggle_pneumonia, KAGGLE, tmp_path / "kaggle")
    assert files_under(tmp_path) == []


def test_an_archive_of_another_revision_is_found(codeload: Server, tmp_path: Path):
    codeload.state.archive = zip_of({"top/metadata.csv": b""}, "f" * 40)
    assert f"is of {'f' * 40}" in fault_of(covid_chestxray, COVID, tmp_path / "covid")
    assert files_under(tmp_path) == []


def test_what_is_not_a_zip_is_found(codeload: Server, tmp_path: Path):
    codeload.state.archive = b"not a zip"
    assert "not a sound zip file" in fault_of(covid_chestxray, COVID, tmp_path / "covid")


def test_a_bad_archive_is_not_kept_for_the_next_run(kaggle: Server, tmp_path: Path, kaggle_zip: bytes):
    kaggle.state.archive = kaggle_zip.replace(noise(1000, 3), bytes(1000))
    assert "Bad CRC-32" in fault_of(kaggle_pneumonia, KAGGLE, tmp_path / "kaggle")
    kaggle.state.archive = kaggle_zip
    kaggle_pneumonia.fetch(KAGGLE, tmp_path / "kaggle")
    assert len(files_under(tmp_path)) == 3


def test_standard_output_stays_the_stages(kaggle: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    kaggle_pneumonia.fetch(KAGGLE, tmp_path / "kaggle")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "100%" in shown.err


def test_patience_in_earnest_is_longer_than_in_tests():
    assert transfer.Patience().attempts > HURRIED.attempts
