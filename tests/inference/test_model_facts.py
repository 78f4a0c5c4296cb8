import json
from pathlib import Path
from typing import Any

import pytest

from cxr.common.errors import ModelError
from cxr.inference.model_facts import SCHEMA_VERSION, ModelFacts

WHERE = "models/champion/model.json"
OLD: dict[str, Any] = {  # as it was written before versions of the layout were kept
    "name": "covid-cxr",
    "version": "0123456789ab",
    "backbone": "inceptionv3",
    "side": 299,
    "classes": ["NonCOVID", "COVID"],
    "temperature": 1.25,
    "threshold": 0.5,
    "head": "average",
    "split": "a1b2c3",
    "shortcut_flagged": True,
    "fine_tuned_blocks": 2,
    "precisions": {"bf16": {"holds": True, "times_f32": 1.7, "images": 9}},
    "audit": {"reasons": ["one"], "measured": {}},
}


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in OLD.items() if key not in keys}


def test_the_facts_that_the_code_reads_are_typed() -> None:
    facts = ModelFacts.of(OLD, WHERE)
    assert (facts.name, facts.version, facts.backbone, facts.image_size) == (
        "covid-cxr",
        "0123456789ab",
        "inceptionv3",
        299,
    )
    assert (facts.temperature, facts.threshold, facts.split) == (1.25, 0.5, "a1b2c3")
    assert (facts.shortcut_flagged, facts.fine_tuned_blocks) == (True, 2)
    assert facts.precisions["bf16"]["times_f32"] == 1.7


def test_facts_that_no_code_reads_are_kept_as_they_are() -> None:
    assert ModelFacts.of(OLD, WHERE).document == OLD


def test_a_file_from_before_versions_is_read_like_one_of_today(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps(OLD))
    old = ModelFacts.read(path)
    path.write_text(json.dumps(OLD | {"schema_version": SCHEMA_VERSION}))
    new = ModelFacts.read(path)
    assert "schema_version" not in old.document
    assert (old.threshold, old.precisions, old.split) == (new.threshold, new.precisions, new.split)


def test_a_model_without_the_facts_of_later_stages_has_their_neutral_values() -> None:
    facts = ModelFacts.of(without("split", "shortcut_flagged", "fine_tuned_blocks", "precisions"), WHERE)
    assert (facts.split, facts.shortcut_flagged, facts.fine_tuned_blocks, facts.precisions) == (None, False, 0, {})


def test_a_later_layout_is_refused_with_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"model\.json: schema_version is 99, .* reads up to \d+; update the program"):
        ModelFacts.of(OLD | {"schema_version": 99}, WHERE)


@pytest.mark.parametrize("version", [0, -1, "1", 1.0, True, None])
def test_a_version_that_is_none_is_refused(version: object) -> None:
    with pytest.raises(ModelError, match=r"schema_version is .* must be a whole number"):
        ModelFacts.of(OLD | {"schema_version": version}, WHERE)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("name", "", "text"),
        ("unseen", {"unseen_auc": {}}, "the sentence says"),
        ("version", 7, "text"),
        ("backbone", None, "text"),
        ("side", 0, "pixels above 0"),
        ("side", 299.0, "a whole number"),
        ("side", True, "a whole number"),
        ("temperature", 0, "above 0"),
        ("temperature", -1.0, "above 0"),
        ("temperature", float("nan"), "finite"),
        ("temperature", float("inf"), "finite"),
        ("temperature", "1.0", "a finite number"),
        ("threshold", "0.5", "a number from 0 to 1"),
        ("threshold", None, "a number from 0 to 1"),
        ("threshold", 1.5, "from 0 to 1"),
        ("threshold", float("nan"), "from 0 to 1"),
        ("threshold", True, "a number"),
        ("classes", ["COVID", "NonCOVID"], "['NonCOVID', 'COVID']"),
        ("classes", "COVID", "['NonCOVID', 'COVID']"),
        ("split", 7, "text"),
        ("shortcut_flagged", "no", "true or false"),
        ("fine_tuned_blocks", -1, "from 0 on"),
        ("precisions", ["bf16"], "a table"),
        ("precisions", {"bf16": {"holds": "yes", "times_f32": 2}}, "holds and times_f32"),
        ("precisions", {"bf16": {"holds": True}}, "holds and times_f32"),
    ],
)
def test_a_damaged_fact_is_one_sentence_with_file_key_value_and_what_is_allowed(
    key: str, value: object, allowed: str
) -> None:
    with pytest.raises(ModelError) as caught:
        ModelFacts.of(OLD | {key: value}, WHERE)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert [part for part in (WHERE, key, repr(value), allowed) if part not in sentence] == []
