"""Faults of the machine - no file handles, a full disk - cost no object and end no thread."""

import errno
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cxr.node.audit import Audit
from cxr.node.backoff import Backoff
from cxr.node.receipt import Receipt
from cxr.node.rules import RuleSettings, look
from cxr.sources.dicom_facts import Pseudonyms
from tests.node.made import saved, xray
from tests.node.peers import running, wait_for


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
