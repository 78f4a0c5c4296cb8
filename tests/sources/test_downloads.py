"""Both public downloads against local servers that speak their protocols, faults included."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

from cxr.common.errors import SourceError
from cxr.sources import covid_chestxray, kaggle_pneumonia
from cxr.sources.covid_chestxray import CovidChestxrayParams
from cxr.sources.http import archives, transfer
from cxr.sources.kaggle_pneumonia import KagglePneumoniaParams

from .made import HURRIED, files_under, noise, zip_of
from .servers import KAGGLE_CALL, REVISION, STORAGE, Server, hang_up, kaggle_error, status, web_page

COVID = CovidChestxrayParams("covid_chestxray", "public", REVISION, ("COVID",))
KAGGLE = KagglePneumoniaParams("kaggle_pneumonia", "public", ("NonCOVID",), 2)
CODELOAD = f"/ieee8023/covid-chestxray-dataset/zip/{REVISION}"


@pytest.fixture
def codeload(server: Server, covid_zip: bytes) -> Server:
    server.state.archive = covid_zip
    return server


@pytest.fixture
def kaggle(server: Server, kaggle_zip: bytes) -> Server:
    server.state.archive = kaggle_zip
    return server


def fault_of(source, params, directory: Path) -> str:
    """The sentence of the SourceError that fetching raises; nothing half-written may be taken for whole."""
    with pytest.raises(SourceError) as caught:
        source.fetch(params, directory)
    assert not directory.exists()
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.startswith(f"{directory.name}: ")
    return sentence


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
    monkeypatch.setattr(covid_chestxray, "ARCHIVE_URL", "http://nowhere.invalid/{revision}")
    assert "no answer from the server" in fault_of(covid_chestxray, COVID, tmp_path / "covid")


def test_a_web_page_is_not_taken_for_the_archive(codeload: Server, tmp_path: Path):
    codeload.state.faults = [web_page]
    assert "web page" in fault_of(covid_chestxray, COVID, tmp_path / "covid")


def test_a_silent_server_is_given_up(codeload: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    impatient = transfer.Patience(connect_timeout_s=5, read_timeout_s=0.05, attempts=1, backoff_s=0)
    monkeypatch.setattr(covid_chestxray, "PATIENCE", impatient)
    monkeypatch.setattr(kaggle_pneumonia, "PATIENCE", impatient)
    codeload.state.faults = [lambda _: time.sleep(0.5)] * 2
    assert "went silent" in fault_of(covid_chestxray, COVID, tmp_path / "covid")
    assert "went silent" in fault_of(kaggle_pneumonia, KAGGLE, tmp_path / "kaggle")


# --- cut half-way -----------------------------------------------------------------------------------------


def test_a_cut_kaggle_download_goes_on_where_it_stopped(kaggle: Server, tmp_path: Path):
    kaggle.state.storage_faults = [lambda handler: handler.stored(upto=200_000)]
    kaggle_pneumonia.fetch(KAGGLE, tmp_path / "kaggle")
    first, _probe, second = kaggle.state.requests_for(STORAGE)
    assert "Range" not in first.headers
    assert 0 < int(second.headers["Range"].removeprefix("bytes=").removesuffix("-")) <= 200_000
    assert second.headers["If-Range"] == '"generation-1"'


def test_a_download_cut_again_and_again_still_ends(kaggle: Server, tmp_path: Path):
    def cut_at(end: int):
        return lambda handler: handler.stored(upto=end)

    # Before each resumed request Kaggle's own redirect opens the file once; that answer is hung up.
    cuts = [cut_at(end) for end in (130_000, 200_000, 270_000, 340_000, 410_000)]
    kaggle.state.storage_faults = [cuts[0], *(fault for cut in cuts[1:] for fault in (cut_at(1), cut))]
    kaggle_pneumonia.fetch(KAGGLE, tmp_path / "kaggle")
    assert len(files_under(tmp_path / "kaggle")) == 3


def test_a_file_that_changed_between_two_parts_is_fetched_anew(kaggle: Server, tmp_path: Path):
    kaggle.state.storage_faults = [lambda handler: handler.stored(upto=200_000, etag='"generation-0"')]
    kaggle_pneumonia.fetch(KAGGLE, tmp_path / "kaggle")
    assert len(files_under(tmp_path / "kaggle")) == 3


def test_a_cut_github_download_starts_again_since_it_can_not_be_resumed(codeload: Server, tmp_path: Path):
    codeload.state.faults = [lambda handler: handler.chunked(upto=150_000)]
    covid_chestxray.fetch(COVID, tmp_path / "covid")
    assert (tmp_path / "covid/images/a.jpg").read_bytes() == noise(300_000)


def test_a_download_that_is_always_cut_is_given_up(codeload: Server, tmp_path: Path):
    codeload.state.faults = [lambda handler: handler.chunked(upto=150_000)] * 3
    sentence = fault_of(covid_chestxray, COVID, tmp_path / "covid")
    assert "the connection ended early, 3 times in a row" in sentence


def test_a_server_that_hangs_up_at_once_is_given_up(codeload: Server, tmp_path: Path):
    codeload.state.faults = [hang_up] * 3
    assert "the connection ended early" in fault_of(covid_chestxray, COVID, tmp_path / "covid")


def test_a_later_run_goes_on_where_an_earlier_one_gave_up(kaggle: Server, tmp_path: Path):
    directory = tmp_path / "kaggle"
    kaggle.state.storage_faults = [lambda handler: handler.stored(upto=200_000), *[status(503)] * 2]
    assert "bytes are kept" in fault_of(kaggle_pneumonia, KAGGLE, directory)
    kaggle_pneumonia.fetch(KAGGLE, directory)
    assert "Range" in kaggle.state.requests_for(STORAGE)[-1].headers


def test_a_part_whose_notes_are_lost_is_not_trusted(kaggle: Server, tmp_path: Path):
    holding = tmp_path / "kaggle.download"
    holding.mkdir()
    (holding / "version-2.zip.part").write_bytes(b"of something else")
    kaggle_pneumonia.fetch(KAGGLE, tmp_path / "kaggle")
    assert not holding.exists()


def test_a_part_that_is_longer_than_the_file_is_fetched_anew(kaggle: Server, tmp_path: Path):
    holding = tmp_path / "kaggle.download"
    holding.mkdir()
    (holding / "version-2.zip.part").write_bytes(bytes(10**6))
    (holding / "version-2.zip.part.json").write_text('{"etag": "\\"generation-1\\"", "md5": "", "total": 2000000}')
    kaggle_pneumonia.fetch(KAGGLE, tmp_path / "kaggle")
    assert len(files_under(tmp_path / "kaggle")) == 3


CHILD = """
import sys
from pathlib import Path
from kagglesdk import kaggle_env
from cxr.sources.kaggle_pneumonia import KagglePneumoniaParams
from cxr.sources import covid_chestxray, kaggle_pneumonia
kaggle_env._env_to_endpoint[kaggle_env.KaggleEnv.PROD] = sys.argv[1]
kaggle_pneumonia.fetch(KagglePneumoniaParams("kaggle_pneumonia", "public", (), 2), Path(sys.argv[2]))
"""


def test_a_killed_download_is_resumed(kaggle: Server, tmp_path: Path):
    def stall(handler) -> None:
        handler.stored(upto=200_000)
        handler.wfile.flush()
        time.sleep(60)  # on a daemon thread: it ends with the test run

    kaggle.state.storage_faults = [stall]
    directory = tmp_path / "kaggle"
    part = tmp_path / "kaggle.download/version-2.zip.part"
    child = subprocess.Popen([sys.executable, "-c", CHILD, kaggle.url, str(directory)])
    try:
        while not part.exists() or part.stat().st_size == 0:
            assert child.poll() is None
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not directory.exists()
    kaggle_pneumonia.fetch(KAGGLE, directory)
    assert "Range" in kaggle.state.requests_for(STORAGE)[-1].headers
    assert files_under(tmp_path) == [f"kaggle/{path}" for path in files_under(directory)]


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


# --- a full disk, an interruption -------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_up_during_the_download(kaggle: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def append_to_full_disk(_handle, chunk: bytes) -> None:
        with open("/dev/full", "wb", buffering=0) as full:
            full.write(chunk)

    monkeypatch.setattr(transfer, "append", append_to_full_disk)
    assert "is full" in fault_of(kaggle_pneumonia, KAGGLE, tmp_path / "kaggle")


def test_a_disk_that_is_too_small_is_seen_before_the_download(
    kaggle: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1))
    assert "free some space" in fault_of(kaggle_pneumonia, KAGGLE, tmp_path / "kaggle")


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()])
def test_an_archive_survives_when_unpacking_fails(
    kaggle: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
):
    def fail(*_: object) -> None:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(archives.shutil, "copyfileobj", fail)
        with pytest.raises((SourceError, KeyboardInterrupt)):
            kaggle_pneumonia.fetch(KAGGLE, tmp_path / "kaggle")
    asked = len(kaggle.state.seen)
    kaggle_pneumonia.fetch(KAGGLE, tmp_path / "kaggle")
    assert len(kaggle.state.seen) == asked
    assert len(files_under(tmp_path)) == 3


def test_standard_output_stays_the_stages(kaggle: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    kaggle_pneumonia.fetch(KAGGLE, tmp_path / "kaggle")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "100%" in shown.err


def test_patience_in_earnest_is_longer_than_in_tests():
    assert transfer.Patience().attempts > HURRIED.attempts
