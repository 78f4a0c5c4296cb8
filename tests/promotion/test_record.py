"""reports/promotions.jsonl: whole lines, once each; and who made them."""

import json
from pathlib import Path

import pytest

from cxr.common.author import author
from cxr.promotion.record import append_once


def test_a_line_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "promotions.jsonl"
    for number in ("a", "b", "a"):
        append_once({"id": number, "why": "größer"}, path)
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["a", "b"]


def test_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "promotions.jsonl"
    path.write_bytes(b'{"id": "a"}\n{"id": "b", "wh')
    append_once({"id": "b"}, path)
    first, torn, last = path.read_text().splitlines()
    assert (first, last) == ('{"id": "a"}', '{"id": "b"}')
    assert torn.startswith('{"id": "b", "wh')


def test_somebody_is_always_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert author({"CXR_WHO": " Ada "}) == "Ada"
    monkeypatch.setenv("PATH", "")  # no git
    monkeypatch.setenv("LOGNAME", "ada")
    assert author({}) == "ada"
