"""The record of looks only grows, and looks of other workspaces come in once."""

from pathlib import Path

from cxr.sealed.looks import Count, count, look_at, record, recorded
from cxr.sealed.report_types import SealedPair


def pair(test_set: str) -> SealedPair:
    return {"bundle_sha256": "b" * 64, "test_set": test_set}


def test_looks_are_counted_by_test_set_and_in_all(tmp_path: Path) -> None:
    path = tmp_path / "reports/sealed/looks.jsonl"
    assert count(recorded(path), "one") == Count(0, 0)
    looks = [look_at(pair(name), "m", i, "2026-01-01T00:00:00Z", "why") for i, name in enumerate(("one", "two", "one"))]
    record(looks, path)
    record(looks[:2], path)  # as the registry tells them again
    assert recorded(path) == looks
    assert count(recorded(path), "one") == Count(2, 3)


def test_a_torn_line_is_passed_over_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "looks.jsonl"
    path.write_text('{"id": "x", "when": "2026')
    look = look_at(pair("one"), "m", 1, "2026-01-01T00:00:00Z", "why")
    record([look], path)
    assert recorded(path) == [look]
    assert path.read_text().startswith('{"id": "x", "when": "2026\n')
