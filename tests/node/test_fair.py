"""Objects that nobody can answer are asked about last and given up; the others are answered meanwhile."""

from pathlib import Path

import pytest

from cxr.node.ask import Reply, UnavailableError
from cxr.node.backoff import Backoff
from cxr.node.receipt import Receipt
from tests.node.made import saved, xray
from tests.node.peers import Answering, Running, running, wait_for

BAD = 18  # more than two workers claim at once
GOOD = 4


class Choosing(Answering):
    """Nobody answers about the objects of some UIDs. counted: whether that may be their own fault."""

    def __init__(self, uids: list[str], counted: bool) -> None:
        super().__init__()
        self._bad = [uid.encode() for uid in uids]
        self._counted = counted

    def ask(self, data: bytes, explain: bool) -> Reply:
        if any(uid in data[:800] for uid in self._bad):
            raise UnavailableError("504 timeout", counted=self._counted)
        return super().ask(data, explain)


def take_all(node: Running) -> None:
    inbox = node.node._inbox
    for number in range(BAD + GOOD):
        assert inbox.take(saved(xray(number), inbox.incoming), "modalities") is Receipt.TAKEN


@pytest.mark.parametrize("counted", [True, False])
def test_objects_that_never_get_an_answer_do_not_keep_others_waiting(
    counted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cxr.node.work.UNAVAILABLE", Backoff(first_s=0.01, longest_s=0.01))
    asker = Choosing([str(xray(number).SOPInstanceUID) for number in range(BAD)], counted)
    with running(tmp_path, asker=asker) as node:
        take_all(node)
        wait_for(lambda: node.states()[BAD:] == ["answered"] * GOOD, "the good ones", seconds=10)
        assert set(node.states()[:BAD]) <= {"received", "asked"}


def test_an_object_that_never_gets_an_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxr.node.work.NO_ANSWER", Backoff(first_s=0.01, longest_s=0.01))
    monkeypatch.setattr("cxr.node.work.IDLE_S", 0.02)
    asker = Choosing([str(xray(0).SOPInstanceUID)], counted=True)
    with running(tmp_path, asker=asker) as node:
        inbox = node.node._inbox
        assert inbox.take(saved(xray(0), inbox.incoming), "modalities") is Receipt.TAKEN
        wait_for(lambda: node.states() == ["dead"], "given up", seconds=10)
        assert node.node._queue.read("SELECT detail, tries FROM objects")[0]["detail"] == "no_answer"
