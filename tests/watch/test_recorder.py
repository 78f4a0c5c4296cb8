"""The worker's counter: an answer waits for nothing and nothing stops it."""

import logging
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from cxr.inference.answer import Answer
from cxr.watch.recorder import Recorder
from cxr.watch.store import Store
from tests.watch.made import HOUR_S, Clock, Site

SAID = Answer("COVID", 70.0, {"NonCOVID": 0.3, "COVID": 0.7}, 0.5, familiarity=0.4)
GREY = np.full((60, 50), 90, np.uint8)


def test_counts_are_held_until_the_flush_and_written_by_hour(tmp_path: Path) -> None:
    site = Site(tmp_path, 480_000)
    site.recorder.count({"gate": "passed"})
    assert not site.store.path.exists()
    site.clock.now += HOUR_S
    site.recorder.count({"gate": "lateral"})
    site.recorder.flush()
    assert sorted(site.store.unseen()) == [480_000, 480_001]


def test_stopping_writes_what_is_held(tmp_path: Path) -> None:
    store = Store(tmp_path / "watch.db")
    recorder = Recorder(store).start(every_s=1000)
    recorder.note(b"\x89PNG\r\n\x1a\n", GREY, SAID)
    recorder.stop()
    assert sum(int(counts.sum()) for counts in store.unseen().values()) == 8


def test_a_locked_store_is_waited_for_by_nobody_and_complained_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cxr.watch.store.WAIT_S", 0.01)
    failures: list[int] = []
    store = Store(tmp_path / "watch.db")
    recorder = Recorder(store, failed=lambda: failures.append(1))
    recorder.count({"gate": "passed"})
    recorder.flush()
    with sqlite3.connect(store.path) as other:
        other.execute("BEGIN IMMEDIATE")
        with caplog.at_level(logging.ERROR):
            for _ in range(3):
                recorder.count({"gate": "passed"})
                recorder.flush()
        other.rollback()
    assert len(failures) == 3
    assert len(caplog.records) == 1
    recorder.flush()
    assert store.counts(0, 2**40).sum() == 4


def test_a_folder_that_is_gone_stops_no_answer_and_what_is_held_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cxr.watch.recorder.MOST_HELD", 5)
    clock = Clock(100)
    recorder = Recorder(Store(tmp_path / "gone" / "watch.db"), clock=clock)
    for _ in range(9):
        recorder.count({"gate": "passed"})
        clock.now += HOUR_S
        recorder.flush()
    (tmp_path / "gone").mkdir()
    recorder.flush()
    assert sorted(Store(tmp_path / "gone" / "watch.db").unseen()) == [104, 105, 106, 107, 108]


def test_a_fault_of_counting_is_no_fault_of_answering(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    failures: list[int] = []
    recorder = Recorder(Store(tmp_path / "watch.db"), failed=lambda: failures.append(1))
    recorder.note(b"PATIENT", np.zeros((3,), np.uint8), SAID)  # no picture has one dimension
    assert failures == [1]
    assert "PATIENT" not in caplog.text


def test_faults_behind_the_store_are_counted_too_and_write_nothing_twice(tmp_path: Path) -> None:
    failures: list[int] = []

    def metrics_are_full() -> None:
        raise OSError("no space")

    store = Store(tmp_path / "watch.db")
    recorder = Recorder(store, failed=lambda: failures.append(1), wrote=metrics_are_full)
    recorder.count({"gate": "passed"})
    recorder.flush()
    recorder.flush()
    assert len(failures) == 2
    assert store.counts(0, 2**40).sum() == 1


def test_the_store_is_tidied_now_and_then(tmp_path: Path) -> None:
    site = Site(tmp_path, 480_003)
    site.answers(40)
    site.clock.now += 20 * 24 * HOUR_S
    site.recorder.flush()
    assert {hour % 24 for hour in site.store.unseen()} == {0}
