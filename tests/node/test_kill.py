"""`kill -9` at any moment: nothing that was said to be received is lost, and nothing is answered twice."""

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import dcmread

from cxr.node.queue import Queue
from tests.node.made import saved, xray
from tests.node.peers import Archive, config, free_port, running, store, wait_for

PROGRAM = "import sys; from cxr.node.command import command; sys.exit(command(sys.argv[1:]))"
ROUND = 8  # objects sent before each kill


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def node_process(file: Path, status_port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM, "--config", str(file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(lambda: is_ready(status_port) or process.poll() is not None, "a node that is ready", 60)
            assert process.poll() is None, process.stderr and process.stderr.read()
            yield process
        finally:
            process.kill()


def source_of(report) -> str:
    """The UID of the image that a report or a picture refers to."""
    sequence = report.get("CurrentRequestedProcedureEvidenceSequence") or report.get("SourceImageSequence")
    item = sequence[0]
    if "ReferencedSeriesSequence" in item:
        item = item.ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    return str(item.ReferencedSOPInstanceUID)


@pytest.mark.slow
def test_after_kills_at_several_moments_everything_is_answered_once(complete_bundle: Path, tmp_path: Path) -> None:
    port, status_port = free_port(), free_port()
    archive = Archive(free_port())
    engine = f"{{kind: engine, model: {complete_bundle}, precision: f32}}"
    file = config(tmp_path, port, status_port, archive.port, ask=engine)
    moments = [
        lambda: True,  # as soon as the sender has its success
        (tmp_path / "queue" / "results").exists,  # while results are written
        lambda: len(archive.got) > 2 * ROUND,  # while they are delivered
    ]
    sent = []
    with archive.up():
        for number, moment in enumerate(moments):
            files = [saved(xray(number * ROUND + n), tmp_path) for n in range(ROUND)]
            with node_process(file, status_port) as process:
                assert store(port, files) == 0
                wait_for(moment, f"moment {number}")
                process.kill()
            sent += files
        with node_process(file, status_port) as process:
            wait_for(lambda: len(set(archive.uids)) >= 2 * len(sent), "all results")
            process.terminate()
            assert process.wait(30) == 0
    names = {str(one.SOPInstanceUID): source_of(one) for one in archive.got}
    assert sorted(names.values()) == sorted(2 * [path.stem for path in sent])  # one report and one heat map each
    queue = Queue(tmp_path / "queue")
    assert {row["state"] for row in queue.read("SELECT state FROM objects")} == {"done"}
    queue.close()
    first: dict[str, object] = {}
    for one in archive.got:  # what was sent a second time is the same object
        assert first.setdefault(str(one.SOPInstanceUID), one) == one


def test_what_was_received_and_not_confirmed_leaves_nothing_behind(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        folder = node.folder
    (folder / "incoming" / "half.dcm").write_bytes(b"cut off")
    (folder / "objects" / "unknown.dcm").write_bytes(b"not committed")
    with running(tmp_path):
        assert list((folder / "incoming").iterdir()) == []
        assert list((folder / "objects").iterdir()) == []


@pytest.mark.slow
def test_a_stop_signal_ends_the_node_in_order(complete_bundle: Path, tmp_path: Path) -> None:
    port, status_port = free_port(), free_port()
    engine = f"{{kind: engine, model: {complete_bundle}, precision: f32}}"
    file = config(tmp_path, port, status_port, free_port(), ask=engine)
    with node_process(file, status_port) as process:
        assert store(port, [saved(xray(1), tmp_path)]) == 0
        process.terminate()
        assert process.wait(30) == 0
        log = process.stderr.read() if process.stderr else ""
    assert "the node has stopped" in log
    assert dcmread(tmp_path / f"{xray(1).SOPInstanceUID}.dcm").PatientID not in log
