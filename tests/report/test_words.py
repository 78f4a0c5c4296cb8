"""How numbers and settings are said."""

import pytest

from cxr.report.words import interval, listed, of_group, percent, setting, source_words
from cxr.sources import SOURCES
from cxr.sources.base import NOT_STATED


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ({"value": 0.5, "low": 0.25, "high": 0.75}, "0.500 (0.250 to 0.750)"),
        ({"value": 0.5, "low": None, "high": None}, "0.500"),
        ({"value": None, "low": None, "high": None}, "not measured: not defined on these images"),
        ({"value": None, "why": "1 patient; at least 5 are needed"}, "not measured: 1 patient; at least 5 are needed"),
        ({"value": None, "note": "not measurable: no lungs"}, "not measurable: no lungs"),
    ],
)
def test_an_interval_or_why_there_is_none(found: dict, text: str) -> None:
    assert interval(found) == text


def test_a_small_group_says_how_small_it_is() -> None:
    assert of_group({"value": None, "why": "0 COVID patients; at least 5 are needed"}) == "too few: 0 COVID patients"


def test_what_is_no_number_is_not_printed() -> None:
    with pytest.raises(ValueError, match="nan is not a number"):
        interval({"value": float("nan"), "low": 0.0, "high": 1.0})


def test_percentages_keep_no_needless_digits() -> None:
    assert [percent(value) for value in (0.1, 0.125, 1.0)] == ["10 %", "12.5 %", "100 %"]


def test_settings_name_no_folder_of_a_machine() -> None:
    assert setting("/home/somebody/weights.h5") == "weights.h5"
    assert setting("imagenet") == "imagenet"
    assert setting(["COVID", "NonCOVID"]) == "COVID, NonCOVID"
    assert (setting([]), setting({}), setting("")) == ("none", "none", "none")
    assert (setting(True), setting(0.0)) == ("yes", "0.0")


def test_a_list_reads_as_a_sentence_would_say_it() -> None:
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_of_the_project_describes_itself(kind: str) -> None:
    said = source_words({"kind": kind})
    assert said == SOURCES[kind].description
    assert NOT_STATED not in (said.what, said.people, said.licence, said.cite)


def test_a_source_that_is_not_registered_is_not_described_as_another() -> None:
    said = source_words({"kind": "bygone"})
    assert "'bygone'" in said.what
    assert (said.people, said.licence, said.cite) == (NOT_STATED, NOT_STATED, NOT_STATED)
    assert "folders" not in said.what
