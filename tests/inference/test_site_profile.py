"""A site profile is what it must be, or is refused with a sentence that names the value."""

import copy
import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cxr.inference.site_profile import (
    MOST_BYTES,
    ProfileError,
    Signature,
    document_of,
    profile_of,
    read_profile,
    write_profile,
)
from tests.site_profiles import SHA256, document, profile


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    write_profile(profile(), path)
    assert read_profile(path) == profile()
    assert json.loads(path.read_text()) == document() == document_of(profile())


WRONG: list[tuple[str, Any]] = [
    ("schema_version", 2),
    ("schema_version", True),
    ("site", ""),
    ("site", "a/b"),
    ("site", "x" * 65),
    ("site", "name\n"),
    ("site", " "),
    ("site", "name "),
    ("model.sha256", "AB" * 32),
    ("model.name", 3),
    ("verdict", "maybe"),
    ("verdict", []),
    ("reasons", "none"),
    ("reasons", ["two\nlines"]),
    ("reasons", ["\ud800"]),
    ("calibration.scale", 0),
    ("calibration.scale", float("inf")),
    ("calibration.offset", float("nan")),
    ("calibration.offset", 10**400),
    ("threshold", 1.01),
    ("threshold", True),
    ("threshold", "0.5"),
    ("triage.unlikely_below", 0.92),
    ("triage.unlikely_below", -0.1),
    ("triage", None),
    ("limits.confidence", 95),
    ("certified.auc.value", None),
    ("certified.auc.low", 0.99),
    ("certified.auc.n", 1.5),
    ("certified.luck", {"value": 1, "low": 1, "high": 1, "n": 1}),
    ("reference.probability.edges", [0, 0.5, 0.5]),
    ("reference.probability.counts", [1]),
    ("reference.probability.counts", [1, -1]),
    ("reference.probability.edges", [0, "x", 1]),
    ("reference.coding.edges", ["jpeg", "jpeg"]),
    ("reference.coding.edges", []),
    ("reference.a name", {"edges": [0, 1], "counts": [1]}),
    ("commissioned.on", "27.11.2026"),
    ("commissioned.on", "20261127"),
    ("commissioned.valid_until", "2026-11-26"),
    ("commissioned.patients", 201),
    ("commissioned.by", ""),
    ("signature", {"key": "00", "value": "AA"}),
    ("signature", None),
]


@pytest.mark.parametrize(("place", "value"), WRONG, ids=str)
def test_a_wrong_value_is_refused_by_its_name(place: str, value: Any) -> None:
    wrong: Any = copy.deepcopy(document())
    *tables, name = place.split(".")
    table = wrong
    for key in tables:
        table = table[key]
    table[name] = value
    with pytest.raises(ProfileError) as said:
        profile_of(wrong, "site.json")
    assert str(said.value).startswith(("site.json", "a name in site.json"))
    assert name in str(said.value)


@pytest.mark.parametrize("place", ["", "model", "calibration", "triage", "limits", "commissioned"])
def test_a_key_too_many_and_a_key_too_few_are_refused(place: str) -> None:
    for change in (lambda table: table.update(extra=1), lambda table: table.popitem()):
        wrong: Any = copy.deepcopy(document())
        change(wrong[place] if place else wrong)
        with pytest.raises(ProfileError, match=r"unknown 'extra'|lacks"):
            profile_of(wrong, "site.json")


def test_not_for_use_needs_a_reason_and_no_triage() -> None:
    refused = {"verdict": "not_for_use", "triage": None}
    assert profile(**refused, reasons=["AUC 0.42"]).triage is None
    with pytest.raises(ProfileError, match="at least one"):
        profile(**refused)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe\xfa",
        "{",
        "[]",
        "{}",
        "1" * 5000,
        "[" * 100_000,
        '{"schema_version": 1, "schema_version": 1}',
        " " * (MOST_BYTES + 1),
    ],
    ids=["empty", "bytes", "cut", "list", "no version", "digits", "deep", "twice", "large"],
)
def test_bytes_that_are_no_profile_are_one_sentence(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(ProfileError, match=r"profile\.json"):
        read_profile(written(tmp_path / "profile.json", text))


def test_a_missing_file_and_a_folder_are_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(ProfileError, match="not a readable site profile"):
            read_profile(path)


def test_nothing_is_written_that_could_not_be_read(tmp_path: Path) -> None:
    wrong = replace(profile(), threshold=float("nan"))
    with pytest.raises(ProfileError, match="threshold"):
        write_profile(wrong, tmp_path / "profile.json")
    assert not list(tmp_path.iterdir())


def test_the_last_day_is_valid_and_the_next_is_not() -> None:
    dates = {"on": "2026-01-01", "by": "A", "valid_until": "2027-01-01", "images": 1, "patients": 1}
    assert profile(commissioned=dates).withheld(date(2027, 1, 1)) is None
    assert profile(commissioned=dates).withheld(date(2027, 1, 2)) == "commissioning_expired"


def test_not_for_use_is_said_first() -> None:
    refused = profile(verdict="not_for_use", reasons=["AUC 0.42"])
    assert refused.withheld(date(2200, 1, 1)) == refused.withheld(date(2027, 1, 1)) == "not_for_use"


@pytest.mark.parametrize("digest", ["", "cd" * 32])
def test_another_model_is_refused_by_its_digest(digest: str) -> None:
    profile().require_model(SHA256, "here")
    with pytest.raises(ProfileError, match="here is another model"):
        profile().require_model(digest, "here")


def test_another_commissioning_has_another_version_and_a_signature_none_of_its_own() -> None:
    whole = profile()
    signature = Signature("ab" * 32, "A" * 86 + "==")
    assert re.fullmatch("[0-9a-f]{12}", whole.version)
    assert replace(whole, signature=signature).version == whole.version == profile().version
    assert profile(threshold=0.44).version != whole.version
