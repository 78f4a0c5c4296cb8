"""The variants of the head that the yardstick compares, and their table."""

from dataclasses import replace
from pathlib import Path

import pytest

from cxr.common.config import load_params
from cxr.training.settings import TrainParams
from tools.unseen_ablation import VARIANTS, table

MEASURED = {"value": 0.8123, "low": 0.7, "high": 0.9}
UNDEFINED = {"value": None, "low": None, "high": None}


@pytest.mark.parametrize("title", VARIANTS)
def test_a_variant_changes_the_recipe_as_it_says(title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    recipe = load_params(TrainParams)
    changed = replace(recipe, **VARIANTS[title])
    assert (changed == recipe) == (title == "recipe")


def test_the_table_has_a_row_a_variant_and_a_dash_for_what_is_undefined() -> None:
    row = {"unseen_auc": MEASURED, "false_positive_rate": UNDEFINED, "sensitivity": MEASURED, "seeds": 3}
    result = {
        "command": "make unseen-ablation",
        "date": "2026-11-27",
        "machine": {"processor": "some"},
        "views": 10,
        "variants": {"recipe": {**row, "pairs": {"a against b": MEASURED}}},
    }
    lines = table(result).splitlines()
    assert "| recipe | 0.812 (0.700–0.900) | – | 0.812 (0.700–0.900) | 0.812 (0.700–0.900) |" in lines
    assert "| variant | unseen AUC | others called COVID | COVID called COVID | a against b |" in lines
