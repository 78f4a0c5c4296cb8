"""Both public downloads against local servers: cut half-way, killed, or stopped by a full disk."""

import errno
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
from cxr.sources.http import archives, transfer

from .downloads import COVID, KAGGLE, fault_of
from .made import files_under, noise
from .servers import STORAGE, Server, hang_up, status

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
