"""Outcomes of studies and images become outcomes of answers, and no UID leaves the node."""

import io
from pathlib import Path

import pytest

from cxr.common.errors import CxrError
from cxr.node.audit import Audit
from cxr.node.command import command
from cxr.node.outcome_ids import write_answers
from cxr.outcomes.records import new_id, text_of_id

STUDY, OTHER = "1.2.840.99.1", "1.2.840.99.2"
IDS = [text_of_id(new_id()) for _ in range(3)]


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    """The folder of a node that answered about two images of a study and one of another."""
    audit = Audit(tmp_path)
    for number, (study, answer) in enumerate(zip((STUDY, STUDY, OTHER), IDS, strict=True)):
        pseudonym = audit.pseudonyms.of("study", study)
        audit.write("answered", f"{study}.{number}", state="COVID", study=pseudonym, answer=answer)
    audit.write("answered", "1.2.3.9", state="COVID", study=audit.pseudonyms.of("study", "1.2.3"))
    audit.close()
    with (tmp_path / "audit.jsonl").open("a") as trail:
        trail.write('{"event": "answered", "answer": "a0')  # a node that was killed
    return tmp_path


def written(queue: Path, text: str) -> tuple[bool, str, str]:
    table = queue / "results.csv"
    table.write_text(text)
    out, faults = io.StringIO(), io.StringIO()
    return write_answers(queue, table, out, faults), out.getvalue(), faults.getvalue()


def test_all_answers_of_a_study_get_its_outcome(queue: Path) -> None:
    well, out, faults = written(queue, f"study,outcome\n{STUDY},positive\n{OTHER},negative\n")
    assert (well, faults) == (True, "")
    assert out.splitlines() == ["id,outcome", f"{IDS[0]},positive", f"{IDS[1]},positive", f"{IDS[2]},negative"]


def test_an_image_has_its_own_outcome(queue: Path) -> None:
    assert written(queue, f"sop,outcome\n{STUDY}.1,unknown\n")[1].splitlines()[1:] == [f"{IDS[1]},unknown"]


def test_what_has_no_answer_is_named_by_its_line_and_not_by_its_uid(queue: Path) -> None:
    well, out, faults = written(queue, f"study,outcome\n1.2.3,positive\n{STUDY},maybe\n,positive\n{OTHER},positive\n")
    assert not well
    assert out.splitlines()[1:] == [f"{IDS[2]},positive"]
    assert [f"line {number}: " in faults for number in (2, 3, 4, 5)] == [True, True, True, False]
    assert "1.2.3" not in faults
    assert STUDY not in out + faults


def test_a_folder_without_a_key_gets_none_by_looking(tmp_path: Path) -> None:
    with pytest.raises(CxrError, match="cannot be read"):
        written(tmp_path, f"study,outcome\n{STUDY},positive\n")
    assert not (tmp_path / "pseudonyms.key").exists()


def test_outcomes_and_a_table_go_together(tmp_path: Path) -> None:
    for words in (["outcomes"], ["check", "results.csv"]):
        with pytest.raises(SystemExit):
            command([*words, "--config", str(tmp_path / "node.yaml")])
