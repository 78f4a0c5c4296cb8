"""Faults of the machine - no file handles, a full disk - cost no object and end no thread."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from cxr.node.receipt import Receipt
from cxr.node.rules import RuleSettings, look
from cxr.sources.dicom_facts import Pseudonyms
from tests.node.made import saved, xray
from tests.node.peers import running


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
