"""Faults of the machine - no file handles, a full disk - cost no object and end no thread."""

import errno
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cxr.node.audit import Audit
from cxr.node.backoff import Backoff
from cxr.node.dead_letters import bury
from cxr.node.queue import Queue
from cxr.node.receipt import NodeError, Receipt
from cxr.node.rules import RuleSettings, look
from cxr.node.run import Node, log_ended_thread, retry
from cxr.node.settings import load_node
from cxr.sources.dicom_facts import Pseudonyms
from tests.node.made import saved, xray
from tests.node.peers import Answering, config, free_port, one_result, running, wait_for


def failing(number: int) -> Callable[..., None]:
    """Whatever it stands for, the system says `number`."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, "of the machine")

    return fail


def test_a_picture_that_cannot_be_opened_now_is_not_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = saved(xray(1), tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr("cxr.sources.dicom_facts.read_elements", failing(errno.EMFILE))
        with pytest.raises(OSError, match="of the machine"):
            look(file, RuleSettings(), Pseudonyms(b"key"))
    file.write_bytes(file.read_bytes()[:150])  # this one is cut off
    assert look(file, RuleSettings(), Pseudonyms(b"key")).reason == "no_picture"


@pytest.mark.parametrize("broken", ["cxr.node.inbox.read_elements", "cxr.node.inbox.shutil.disk_usage"])
def test_a_sender_is_told_to_come_again_where_its_object_cannot_be_read_now(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path) as node:
        inbox = node.node._inbox
        file = saved(xray(1), inbox.incoming)
        with monkeypatch.context() as patch:
            patch.setattr(broken, failing(errno.EMFILE))
            assert inbox.take(file, "modalities") is Receipt.FULL
        assert inbox.take(file, "modalities") is Receipt.TAKEN
        with monkeypatch.context() as patch:
            patch.setattr("cxr.node.audit.Audit.write", failing(errno.ENOSPC))
            assert inbox.take(file, "modalities") is Receipt.KNOWN


def test_an_answer_that_the_audit_trail_misses_is_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Audit.write
    full = threading.Event()

    def write_or_fail(audit: Audit, event: str, sop_uid: str, **facts: object) -> None:
        if event == "answered":
            full.set()
            raise OSError(errno.ENOSPC, "of the machine")
        write(audit, event, sop_uid, **facts)

    monkeypatch.setattr(Audit, "write", write_or_fail)
    monkeypatch.setattr("cxr.node.work.UNAVAILABLE", Backoff(first_s=0.05, longest_s=0.05))
    with running(tmp_path) as node:
        assert node.node._inbox.take(saved(xray(1), node.node._inbox.incoming), "modalities") is Receipt.TAKEN
        wait_for(full.is_set, "the full disk")
        assert node.node._inbox.take(saved(xray(2), node.node._inbox.incoming), "modalities") is Receipt.TAKEN
        wait_for(lambda: node.asker.asked >= 2 and node.states() == ["answered"] * 2, "both answered")
        assert node.asker.asked == 2


def some_times(number: int, calls: Callable[..., object], left: int = 3) -> Callable[..., object]:
    """`calls`, after it failed so often."""
    remaining = [left]

    def call(*values: object, **named: object) -> object:
        remaining[0] -= 1
        if remaining[0] >= 0:
            raise OSError(number, "of the machine")
        return calls(*values, **named)

    return call


@pytest.mark.parametrize("tries", [1, 0])
def test_an_object_is_given_up_though_the_disk_was_full(
    tries: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cxr.node.work.MOST_TRIES", tries)
    monkeypatch.setattr("cxr.node.work.UNAVAILABLE", Backoff(first_s=0.01, longest_s=0.01))
    monkeypatch.setattr("cxr.node.work.bury", some_times(errno.ENOSPC, bury))
    asker = Answering()
    asker.fault = ZeroDivisionError()
    with running(tmp_path, asker=asker) as node:
        inbox = node.node._inbox
        assert inbox.take(saved(xray(1), inbox.incoming), "modalities") is Receipt.TAKEN
        wait_for(lambda: node.states() == ["dead"], "given up", seconds=10)
        assert node.node._workers.is_alive()
        assert node.node._why_not_ready() == ""


def test_an_object_is_put_back_though_the_queue_was_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxr.node.work.UNAVAILABLE", Backoff(first_s=0.01, longest_s=0.01))
    monkeypatch.setattr("cxr.node.work.AGAIN", Backoff(first_s=0.01, longest_s=0.01))
    asker = Answering()
    asker.fault = ZeroDivisionError()
    with running(tmp_path, asker=asker) as node:
        postpone = node.node._queue.postpone
        locked = iter([sqlite3.OperationalError("locked")] * 3)

        def postpone_or_fail(*values: int, **named: bool) -> None:
            asker.fault = None
            fault = next(locked, None)
            if fault is not None:
                raise fault
            postpone(*values, **named)

        monkeypatch.setattr(node.node._queue, "postpone", postpone_or_fail)
        inbox = node.node._inbox
        assert inbox.take(saved(xray(1), inbox.incoming), "modalities") is Receipt.TAKEN
        wait_for(lambda: node.states() == ["answered"], "answered", seconds=10)


def test_an_object_whose_file_is_lost_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxr.node.work.AGAIN", Backoff(first_s=0.01, longest_s=0.01))
    monkeypatch.setattr("cxr.node.work.IDLE_S", 0.02)
    monkeypatch.setattr("cxr.node.work.look", failing(errno.ENOENT))
    with running(tmp_path) as node:
        inbox = node.node._inbox
        assert inbox.take(saved(xray(1), inbox.incoming), "modalities") is Receipt.TAKEN
        wait_for(lambda: node.states() == ["dead"], "given up", seconds=10)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_node_without_one_of_its_threads_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError

    with running(tmp_path) as node:
        assert node.node._why_not_ready() == ""
        monkeypatch.setattr("cxr.node.work.Workers._handle", fault)
        inbox = node.node._inbox
        assert inbox.take(saved(xray(1), inbox.incoming), "modalities") is Receipt.TAKEN
        wait_for(lambda: "does not run" in node.node._why_not_ready(), "not ready", seconds=10)


def test_what_ends_a_thread_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    thread = threading.Thread(name="worker-0")
    fault = ValueError("SECRET^NAME")
    log_ended_thread(threading.ExceptHookArgs((ValueError, fault, fault.__traceback__, thread)))
    assert caplog.messages == ["thread worker-0 has ended: ValueError"]
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize("whole", [0, 4096])
def test_a_damaged_queue_is_told_in_one_sentence(whole: int, tmp_path: Path) -> None:
    """whole: bytes at its start that are left."""
    settings = load_node(config(tmp_path, free_port(), free_port(), 1))
    queue = tmp_path / "queue" / "queue.sqlite"
    queue.parent.mkdir()
    Queue(queue.parent).close()
    assert not queue.with_name("queue.sqlite-wal").exists()
    queue.write_bytes(queue.read_bytes()[:whole] + b"damaged " * ((queue.stat().st_size - whole) // 8))
    for use in (lambda: retry(settings, ""), lambda: Node(settings, Answering(), one_result).start()):
        with pytest.raises(NodeError, match=r"queue\.sqlite cannot be used \(.*\); restore a copy of the folder"):
            use()
