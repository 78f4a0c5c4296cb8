import json
from pathlib import Path
from typing import NotRequired

import pytest
from typing_extensions import TypedDict

from cxr.common.errors import CxrError
from cxr.common.report_files import SCHEMA_VERSION, read_report, write_report


class Part(TypedDict):
    value: float | None


class Toy(TypedDict):
    """What a later stage reads of a toy's report."""

    winner: str
    parts: dict[str, Part]
    note: NotRequired[str]


REPORT: Toy = {"winner": "vgg16", "parts": {"a": {"value": 1}, "b": {"value": None}}}


def test_a_report_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_report(REPORT, tmp_path / "toy.json")
    assert read_report(Toy, tmp_path / "toy.json") == REPORT


def test_a_report_names_the_version_of_its_layout_and_changes_nothing_else(tmp_path: Path) -> None:
    write_report(REPORT, tmp_path / "toy.json")
    assert json.loads((tmp_path / "toy.json").read_text()) == {**REPORT, "schema_version": SCHEMA_VERSION}


def test_a_report_from_before_versions_is_read(tmp_path: Path) -> None:
    (tmp_path / "toy.json").write_text(json.dumps(REPORT))
    assert read_report(Toy, tmp_path / "toy.json") == REPORT


def test_keys_that_nobody_reads_and_whole_numbers_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "toy.json").write_text(json.dumps({**REPORT, "more": [1]}))
    found = dict(read_report(Toy, tmp_path / "toy.json"))
    assert found["more"] == [1]
    assert json.dumps(found["parts"]) == json.dumps(REPORT["parts"])  # 1 did not become 1.0


def test_a_report_of_a_later_layout_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "toy.json").write_text(json.dumps({**REPORT, "schema_version": SCHEMA_VERSION + 1}))
    with pytest.raises(CxrError, match=r"toy\.json: schema_version is \d+, .* reads up to \d+; update the program"):
        read_report(Toy, tmp_path / "toy.json")


@pytest.mark.parametrize("version", [0, "1", 1.0, True, None])
def test_a_version_that_is_none_is_refused(version: object, tmp_path: Path) -> None:
    (tmp_path / "toy.json").write_text(json.dumps({**REPORT, "schema_version": version}))
    with pytest.raises(CxrError, match=r"schema_version is .* must be a whole number"):
        read_report(Toy, tmp_path / "toy.json")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("[]", ["holds list, not a report"]),
        ("null", ["holds NoneType"]),
        ("{", ["is not JSON"]),
        ('{"parts": {}}', ["key 'winner' is missing"]),
        ('{"winner": 7, "parts": {}}', ["winner is 7", "string"]),
        ('{"winner": "a", "parts": {"b": {"value": "high"}}}', ["parts.b.value is 'high'", "number"]),
        ('{"winner": "a", "parts": {"b": {}}}', ["key 'parts.b.value' is missing"]),
        ('{"winner": "a", "parts": []}', ["parts is []", "dictionary"]),
    ],
)
def test_a_damaged_report_is_one_sentence_with_file_key_and_value(
    content: str, named: list[str], tmp_path: Path
) -> None:
    (tmp_path / "toy.json").write_text(content)
    with pytest.raises(CxrError) as caught:
        read_report(Toy, tmp_path / "toy.json")
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert [part for part in ("toy.json", "dvc repro", *named) if part not in sentence] == []


def test_a_missing_report_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(CxrError, match=r"toy\.json is missing; `dvc repro` makes it"):
        read_report(Toy, tmp_path / "toy.json")
