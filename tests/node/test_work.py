"""What is picked, refused, given up; and what the log, the metrics and the audit trail say of it."""

import json
import logging
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from cxr.common.errors import ImageError
from cxr.inference.answer import Answer
from cxr.inference.remarks import Remark
from cxr.node.ask import Reply, UnavailableError, withheld_words
from cxr.node.parts import Receipt
from cxr.node.rules import RuleSettings, look
from cxr.sources.dicom_facts import Pseudonyms
from tests.node.made import SECRET, SECRET_ID, saved, xray
from tests.node.peers import MODEL, Answering, Archive, free_port, one_result, running, store, wait_for


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({}, ""),
        ({"Modality": "DX", "ViewPosition": "AP"}, ""),
        ({"BodyPartExamined": "", "ViewPosition": ""}, ""),
        ({"Modality": "CT"}, "modality"),
        ({"BodyPartExamined": "HAND"}, "body_part"),
        ({"ViewPosition": "LL"}, "view"),
    ],
)
def test_frontal_chest_x_rays_are_picked_by_their_header(header: dict, reason: str, tmp_path: Path) -> None:
    assert look(saved(xray(1, **header), tmp_path), RuleSettings(), Pseudonyms(b"key")).reason == reason


def test_what_is_not_picked_is_not_asked_about(tmp_path: Path) -> None:
    lateral = xray(1, ViewPosition="LL")
    with running(tmp_path) as node:
        assert store(node.port, [saved(lateral, tmp_path)]) == 0
        wait_for(lambda: node.states() == ["not_picked"], "left alone")
        assert node.asker.asked == 0


def test_a_result_that_comes_back_is_not_asked_about(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        assert store(node.port, [saved(xray(1), tmp_path)]) == 0
        wait_for(lambda: node.states() == ["answered"], "answered")
        (result,) = (node.folder / "results").iterdir()
        assert store(node.port, [result]) == 0
        wait_for(lambda: node.states() == ["answered", "not_picked"], "left alone")


class Refusing(Answering):
    def ask(self, data: bytes, explain: bool) -> Reply:
        return Reply(Answer("Refused", None, None, 0.5, reason=Remark("lateral", "from the side")), MODEL)


class Numbered(Answering):
    """Its answers have ids: one of the service's form, and then another text."""

    ids = ("a" + "0f" * 16, "SECRET^NAME")

    def ask(self, data: bytes, explain: bool) -> Reply:
        reply = super().ask(data, explain)
        return replace(reply, answer_id=self.ids[self.asked - 1])


def test_the_audit_trail_has_an_answers_id_where_it_is_one(tmp_path: Path) -> None:
    with running(tmp_path, asker=Numbered()) as node:
        for seed in (1, 2):
            assert store(node.port, [saved(xray(seed), tmp_path)]) == 0
            wait_for(lambda seed=seed: node.states() == ["answered"] * seed, "answered")
    lines = map(json.loads, (tmp_path / "queue" / "audit.jsonl").read_text().splitlines())
    assert [line.get("answer") for line in lines if line["event"] == "answered"] == [Numbered.ids[0], None]


@pytest.mark.parametrize(("wanted", "state"), [("false", "refused"), ("true", "answered")])
def test_a_refused_picture_has_results_only_where_they_are_wanted(wanted: str, state: str, tmp_path: Path) -> None:
    with running(tmp_path, asker=Refusing(), results=f"{{refusals: {wanted}}}") as node:
        assert store(node.port, [saved(xray(1), tmp_path)]) == 0
        wait_for(lambda: node.states() == [state], state)
        metrics = node.node._metrics.text().decode()
    assert 'cxr_node_refused_total{reason="lateral"} 1.0' in metrics
    assert 'cxr_node_answered_total{state="Refused"} 1.0' in metrics


def test_what_cannot_be_read_is_refused_and_what_waits_is_asked_later(tmp_path: Path) -> None:
    asker = Answering()
    asker.fault = UnavailableError("the service is away", 0.05)
    with running(tmp_path, asker=asker) as node:
        assert store(node.port, [saved(xray(1), tmp_path)]) == 0
        wait_for(lambda: asker.asked > 7, "more tries than an object that fails may have")
        asker.fault = None
        wait_for(lambda: node.states() == ["answered"], "answered")
        asker.fault = ImageError("corrupt", "damaged")
        assert store(node.port, [saved(xray(2), tmp_path)]) == 0
        wait_for(lambda: node.states() == ["answered", "refused"], "refused")


def test_what_the_site_s_profile_withholds_waits_and_the_status_page_says_why(tmp_path: Path, caplog) -> None:
    asker = Answering()
    asker.fault = UnavailableError(withheld_words("not_for_use"), 0.05, held="not_for_use")
    with running(tmp_path, asker=asker) as node, caplog.at_level(logging.WARNING, "cxr.node"):
        assert store(node.port, [saved(xray(1), tmp_path)]) == 0
        wait_for(lambda: asker.asked > 7, "more tries than an object that fails may have")
        status = f"http://127.0.0.1:{node.status_port}"
        assert "not for use at this site" in _page(f"{status}/readyz")
        assert 'cxr_node_held{reason="not_for_use"} 1.0' in _page(f"{status}/metrics")
        asker.fault = None
        wait_for(lambda: node.states() == ["answered"], "answered")
        assert _page(f"{status}/readyz") == "ready\n"
        assert 'cxr_node_held{reason="not_for_use"} 0.0' in _page(f"{status}/metrics")
    assert "not_for_use: The acceptance test says" in caplog.text


def _page(address: str) -> str:
    with urllib.request.urlopen(address) as page:
        return page.read().decode()


def test_an_object_that_fails_every_time_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxr.node.work.MOST_TRIES", 1)
    asker = Answering()
    asker.fault = ZeroDivisionError()
    with running(tmp_path, asker=asker) as node:
        assert store(node.port, [saved(xray(1), tmp_path)]) == 0
        wait_for(lambda: node.states() == ["dead"], "given up")
        assert len(list((node.folder / "dead" / "objects").glob("*/*.dcm"))) == 1


def test_no_log_metric_or_audit_line_names_the_patient(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "cxr.node")
    archive = Archive(free_port(), status=0xA900)
    one = xray(1)
    with archive.up(), running(tmp_path, archive.port) as node:
        assert store(node.port, [saved(one, tmp_path)]) == 0
        wait_for(lambda: node.states() == ["dead"], "given up")
        address = f"http://127.0.0.1:{node.status_port}"
        with urllib.request.urlopen(f"{address}/metrics") as page:
            metrics = page.read().decode()
        with urllib.request.urlopen(f"{address}/readyz") as page:
            assert page.read() == b"ready\n"
    trail = (tmp_path / "queue" / "audit.jsonl").read_text()
    events = [json.loads(line)["event"] for line in trail.splitlines()]
    assert events == ["taken", "answered", "given_up"]
    assert len({json.loads(line)["object"] for line in trail.splitlines()}) == 1
    for secret in (SECRET, SECRET_ID, str(one.SOPInstanceUID), str(one.StudyInstanceUID), "19500101"):
        for written in (trail, metrics, caplog.text):
            assert secret not in written


def test_files_that_are_no_dicom_are_not_taken(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        inbox = node.node._inbox
        file = inbox.incoming / "a"
        file.write_bytes(b"not DICOM" * 100)
        assert inbox.take(file, "modalities") is Receipt.UNREADABLE
        whole = saved(xray(3), inbox.incoming).read_bytes()
        file.write_bytes(whole[:132] + whole[132 + 12 :])  # no length of the meta group
        assert inbox.take(file, "modalities") is Receipt.UNREADABLE
        announced = saved(xray(1), inbox.incoming)
        assert inbox.take(announced, "modalities", "1.2.3") is Receipt.UNREADABLE
        assert inbox.take(announced, "modalities") is Receipt.TAKEN
        assert inbox.take(announced, "modalities") is Receipt.KNOWN


def test_the_files_of_what_is_finished_are_removed_and_its_row_stays(tmp_path: Path) -> None:
    archive = Archive(free_port())
    file = saved(xray(1), tmp_path)
    with archive.up(), running(tmp_path, archive.port, queue="{least_free_mb: 0, keep_hours: 0.0}") as node:
        assert store(node.port, [file]) == 0
        wait_for(lambda: node.states() == ["done"], "done")
        wait_for(lambda: not list((node.folder / "objects").iterdir()), "no object")
        wait_for(lambda: not list((node.folder / "results").iterdir()), "no result")
        assert store(node.port, [file]) == 0
        assert node.asker.asked == 1
    assert one_result(xray(1), Answering().ask(b"", False))[0].SOPInstanceUID in archive.uids
