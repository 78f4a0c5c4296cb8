"""Results go out: again where an archive is down, to the dead letters where it does not want them, and back."""

import errno
from collections.abc import Sequence
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydicom.dataset import Dataset

from cxr.node.backoff import Backoff
from cxr.node.parts import RejectedError, UnreachableError
from cxr.node.receipt import Receipt
from cxr.node.run import retry
from cxr.node.settings import load_node
from tests.node.made import saved, xray
from tests.node.peers import ARCHIVE, Archive, Running, config, free_port, running, store, wait_for


def number(node: Running, name: str, **labels: str) -> float:
    """A value of the node's metrics."""
    families = text_string_to_metric_families(node.node._metrics.text().decode())
    found = [one.value for family in families for one in family.samples if one.name == name and one.labels == labels]
    return found[0] if found else 0.0


def test_an_archive_that_is_down_for_a_while_gets_everything_once(tmp_path: Path) -> None:
    archive = Archive(free_port())
    files = [saved(xray(n), tmp_path) for n in range(5)]
    with running(tmp_path, archive.port) as node:
        with archive.up():
            assert store(node.port, files[:2]) == 0
            wait_for(lambda: len(archive.got) == 2, "the first two")
        assert store(node.port, files[2:]) == 0
        wait_for(lambda: number(node, "cxr_node_failed_total", step="deliver") >= 2, "failures")
        with archive.up():
            wait_for(lambda: node.states() == ["done"] * 5, "all done")
        assert number(node, "cxr_node_delivered_total", destination="archive") == 5
        assert number(node, "cxr_node_queue_depth") == 0
    assert sorted(str(one.ImageComments) for one in archive.got) == sorted(file.stem for file in files)


def test_an_archive_that_rejects_makes_dead_letters_which_retry_takes_up(tmp_path: Path) -> None:
    archive = Archive(free_port(), status=0xA900)
    file = saved(xray(1), tmp_path)
    with archive.up(), running(tmp_path, archive.port) as node:
        assert store(node.port, [file]) == 0
        wait_for(lambda: node.states() == ["dead"], "given up")
        (letter,) = (node.folder / "dead" / "archive").glob("*/*.dcm")
        assert xray(1).SOPInstanceUID not in str(letter)
        assert number(node, "cxr_node_dead_letters") == 1
        archive.status = 0x0000
        settings = load_node(tmp_path / "node.yaml")
        assert retry(settings, "archive") == "1 results and 0 objects are tried again"
        wait_for(lambda: node.states() == ["done"], "done after all")
        assert not letter.exists()
    assert len(archive.got) == 1


def test_results_that_are_too_old_become_dead_letters(tmp_path: Path) -> None:
    slow = "{first_s: 0.05, longest_s: 0.1, most_hours: 0.00001}"
    with running(tmp_path, free_port(), retry=slow) as node:
        assert store(node.port, [saved(xray(1), tmp_path)]) == 0
        wait_for(lambda: node.states() == ["dead"], "given up")


def test_one_archive_that_is_down_does_not_keep_another_waiting(tmp_path: Path) -> None:
    archive = Archive(free_port())
    entry = "{{kind: c_store, ae_title: {}, host: 127.0.0.1, port: {}}}"
    both = f"{{up: {entry.format(ARCHIVE, archive.port)}, down: {entry.format(ARCHIVE, free_port())}}}"
    with archive.up(), running(tmp_path, destinations=both) as node:
        assert store(node.port, [saved(xray(1), tmp_path)]) == 0
        wait_for(lambda: len(archive.got) == 1, "the one that is up")
        assert node.states() == ["answered"]


def test_the_wait_doubles_up_to_its_limit() -> None:
    backoff = Backoff(first_s=1.0, longest_s=10.0)
    for failures, whole in enumerate((1, 2, 4, 8, 10, 10)):
        assert whole / 2 <= backoff.wait_s(failures) <= whole
    assert backoff.wait_s(100_000) <= 10


def test_a_fault_in_a_destination_does_not_end_its_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(free_port())

    def fault(*_: object) -> None:
        monkeypatch.undo()
        raise ZeroDivisionError

    monkeypatch.setattr("cxr.node.deliver_dicom._Archive.send", fault)
    with archive.up(), running(tmp_path, archive.port) as node:
        assert store(node.port, [saved(xray(1), tmp_path)]) == 0
        wait_for(lambda: node.states() == ["done"], "done after all")


@pytest.mark.parametrize("destination", ["", "archive"])
def test_retry_says_that_there_is_no_queue(destination: str, tmp_path: Path) -> None:
    settings = load_node(config(tmp_path, 11112, 8090, 104))
    with pytest.raises(Exception, match="has no queue yet"):
        retry(settings, destination)


def send_some(monkeypatch: pytest.MonkeyPatch, refused: str, fault: Exception) -> list[str]:
    """The archive takes all but the results of one object; those it was asked to take, in order."""
    sent: list[str] = []

    def send(_: object, datasets: Sequence[Dataset]) -> None:
        sent.append(str(datasets[0].ImageComments))
        if sent[-1] == refused:
            raise fault

    monkeypatch.setattr("cxr.node.deliver_dicom._Archive.send", send)
    return sent


def test_an_object_at_which_an_archive_breaks_off_lets_the_others_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = send_some(monkeypatch, str(xray(0).SOPInstanceUID), UnreachableError("archive broke off"))
    with running(tmp_path) as node:
        inbox = node.node._inbox
        for number in range(4):
            assert inbox.take(saved(xray(number), inbox.incoming), "modalities") is Receipt.TAKEN
        wait_for(lambda: node.states() == ["answered", "done", "done", "done"], "the others", seconds=10)
        assert {row["tries"] for row in node.node._queue.read("SELECT tries FROM deliveries")} == {0}
    assert len(sent) == len(set(sent)) + sent.count(str(xray(0).SOPInstanceUID)) - 1


def test_lost_results_become_a_dead_letter_and_hold_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, retry="{first_s: 0.01, longest_s: 0.02, most_tries: 1}") as node:
        inbox = node.node._inbox
        for number in range(3):
            assert inbox.take(saved(xray(number), inbox.incoming), "modalities") is Receipt.TAKEN
        wait_for(lambda: node.states() == ["answered"] * 3, "results", seconds=10)
        (node.folder / "results" / "1-0.dcm").unlink()
        sent = send_some(monkeypatch, "", ZeroDivisionError())
        wait_for(lambda: node.states() == ["dead", "done", "done"], "the others", seconds=10)
    assert len(sent) == 2


def test_a_full_disk_at_the_dead_letters_sends_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "of the machine")

    sent = send_some(monkeypatch, str(xray(1).SOPInstanceUID), RejectedError("not this one"))
    monkeypatch.setattr("cxr.node.deliver.bury", full)
    with running(tmp_path, retry="{first_s: 0.01, longest_s: 0.02, most_tries: 1}") as node:
        inbox = node.node._inbox
        for number in range(3):
            assert inbox.take(saved(xray(number), inbox.incoming), "modalities") is Receipt.TAKEN
        wait_for(lambda: node.states() == ["done", "dead", "done"], "the others", seconds=10)
    assert len(sent) == 3


def test_what_is_due_to_a_removed_destination_becomes_a_dead_letter_until_it_is_named_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    entry = f"{{kind: c_store, ae_title: {ARCHIVE}, host: 127.0.0.1, port: 1}}"
    with running(tmp_path, destinations=f"{{old: {entry}}}") as node:
        inbox = node.node._inbox
        assert inbox.take(saved(xray(1), inbox.incoming), "modalities") is Receipt.TAKEN
        wait_for(lambda: node.states() == ["answered"], "answered", seconds=10)
    with running(tmp_path, destinations=f"{{new: {entry}}}") as node:
        assert node.states() == ["dead"]
        assert node.node._queue.depth() == 0
        assert len(list((node.folder / "dead" / "old").glob("*/*.dcm"))) == 1
        assert retry(load_node(tmp_path / "node.yaml"), "") == "0 results and 0 objects are tried again"
        assert node.states() == ["dead"]
        assert node.asker.asked == 0
    assert "the results of 1 objects are due to old" in caplog.text
    send_some(monkeypatch, "", ZeroDivisionError())
    with running(tmp_path, destinations=f"{{old: {entry}}}") as node:
        assert retry(load_node(tmp_path / "node.yaml"), "") == "1 results and 0 objects are tried again"
        wait_for(lambda: node.states() == ["done"], "done after all", seconds=10)
        assert list((node.folder / "dead").glob("*/*/*.dcm")) == []
