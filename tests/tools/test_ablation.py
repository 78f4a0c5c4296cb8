from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from cxr.common.errors import CxrError
from cxr.data.copies import RECORDS, CopyRow
from cxr.data.dataset import Dataset, Split
from cxr.data.settings import SplitParams
from cxr.data.splits import assign_splits, split_of_patient
from cxr.evaluation.settings import EvaluateParams
from cxr.inference.lung_segmenter import LungSegmenter
from cxr.sources.index import role_of
from cxr.sources.settings import DownloadParams
from tests.rows import image_row
from tools.ablation import ADULTS, ORIGINAL, DarkLungs, common_images, downloads, validation_split, variants
from tools.ablation_table import measures, table
from tools.workspace import merged, setting

ROOT = Path(__file__).parents[2]
SPLIT = SplitParams(seed=1, test_fraction=0.3, validation_fraction=0.3)
PARAMS = EvaluateParams(resamples=200, confidence=0.95, prevalence=0.1, seed=5)
SOURCES = (("covid_chestxray", "COVID"), ("covid_chestxray", "NonCOVID"), ("kaggle_pneumonia", "NonCOVID"))


def recipe(*settings: str) -> Any:
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for one in settings:
        params = merged(params, setting(one))
    return params


def test_the_first_variant_is_the_original_recipe_and_the_eighth_the_recommended_one() -> None:
    """But for the source that the original recipe leaves out: a variant has its images, and does not train on them."""
    rows = {variant.title: variant.settings for variant in variants()}
    original = yaml.safe_load((ROOT / "params" / "original.yaml").read_text(encoding="utf-8"))
    without = {"download": {"sources": {"covid_image_repository!": None}}}
    assert merged(recipe(*rows["original"]), without) == merged(recipe(), original)
    assert recipe(*rows["original"])["download"]["sources"]["covid_image_repository"]["train_on"] == []
    assert rows["+ lungs"] == ()
    assert rows["+ adults"] == (ADULTS,)


def test_each_variant_on_the_way_up_differs_in_one_setting_from_the_one_before() -> None:
    up = [set(variant.settings) for variant in variants()[: len(ORIGINAL) + 2]]
    assert [len(before ^ after) for before, after in pairwise(up)] == [1] * (len(ORIGINAL) + 1)


def test_experiments_have_names_of_their_own_that_git_takes() -> None:
    names = [variant.name for variant in variants()]
    assert len(set(names)) == len(names)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for name in names)


@pytest.fixture
def rows() -> list:
    return [
        image_row(f"{source}/{label}/{i}.png", source=source, label=label, patient=f"{source}/{label}{i // 2}")
        for source, label in SOURCES
        for i in range(80)
    ]


def dataset(rows: list, copies: Sequence[CopyRow] = ()) -> Dataset:
    kept, _ = assign_splits(rows, copies, SPLIT)
    return Dataset(rows, {row.path: row.split for row in kept}, np.zeros((len(rows), 4, 4), np.uint8))


def of_recipe(rows: list, trained_on: DownloadParams) -> list:
    return [replace(row, role=role_of(row.source, row.label, trained_on)) for row in rows]


def of_validation(rows: list) -> Split:
    return validation_split(dataset(rows), common_images(rows, [], [RECIPES[-1]], SPLIT))


ADULT_NEGATIVES = yaml.safe_load((ROOT / "params" / "adults.yaml").read_text(encoding="utf-8"))
RECIPES = downloads(merged(recipe(), ADULT_NEGATIVES))
JOINED = ("covid_chestxray/NonCOVID", "kaggle_pneumonia/NonCOVID")


def test_all_variants_are_compared_on_the_same_patients_and_none_of_them_is_a_test_patient(rows: list) -> None:
    """Also where the other images of the first source are only ever tested on."""
    paths = common_images(rows, [], RECIPES, SPLIT)
    assert paths == {row.path for row in rows if split_of_patient(row.patient, SPLIT) == "validation"}
    assert {(row.source, row.label) for row in rows if row.path in paths} == set(SOURCES)


@pytest.mark.parametrize("side", ["train", "validation", "test"])
def test_a_patient_whom_copies_join_is_measured_by_all_variants_or_by_none(rows: list, side: str) -> None:
    """Where the other images of the first source are not trained on, the copy of one that is left out goes missing."""
    validated, other = (
        next(row for row in rows if row.path.startswith(name) and split_of_patient(row.patient, SPLIT) == split)
        for name, split in zip(JOINED, ("validation", side), strict=True)
    )
    copies = [CopyRow(validated.path, other.path, RECORDS)]
    paths = common_images(rows, copies, RECIPES, SPLIT)
    measured = [
        [row.path for row in validation_split(dataset(of_recipe(rows, one), copies), paths).rows] for one in RECIPES
    ]
    assert all(found == measured[0] for found in measured)
    assert validated.path not in paths
    assert (other.path in paths) == (side == "validation")
    assert {split_of_patient(row.patient, SPLIT) for row in rows if row.path in paths} == {"validation"}
    alone = common_images(rows, copies, RECIPES[-2:-1], SPLIT)
    with pytest.raises(CxrError, match="a variant leaves out"):
        validation_split(dataset(of_recipe(rows, RECIPES[0]), copies), alone | {validated.path})


def test_dark_pictures_are_those_of_the_images_that_are_asked_for(rows: list, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever images came before, and each is looked at once."""
    looked: list[int] = []

    class Segmenter:
        def masks(self, pixels: np.ndarray) -> np.ndarray:
            looked.extend(pixels[:, 1, 1])
            return np.broadcast_to(np.eye(4, dtype=bool)[::-1], pixels.shape)

    monkeypatch.setattr(LungSegmenter, "load_if_trained", lambda folder: Segmenter())
    pixels = np.arange(1, 9, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    whole = Split(rows[:8], np.arange(8), pixels)
    dark = DarkLungs()
    for chosen in ([1, 3, 5], [7, 5, 1], [0]):
        assert dark.of(whole.only(chosen))[:, 0, 0].tolist() == [place + 1 for place in chosen]
        assert not dark.of(whole.only(chosen))[:, 0, 3].any()
    assert sorted(looked) == [1, 2, 4, 6, 8]


def test_measures_are_those_of_the_groups_that_they_name(rows: list) -> None:
    split = of_validation(rows)
    of = [(row.source, row.label) for row in split.rows]
    p = np.array([{SOURCES[0]: 0.8, SOURCES[1]: 0.9, SOURCES[2]: 0.1}[group] for group in of])
    found = measures(split, p, 1 - p, 0.5, PARAMS)
    values = {name: measure["value"] for name, measure in found.items()}
    assert values == {
        "balanced_auc": 0.5,  # every pair of COVID and Kaggle right, every pair inside wrong
        "auc": pytest.approx(of.count(SOURCES[2]) / (of.count(SOURCES[1]) + of.count(SOURCES[2]))),
        "lungs_blacked_out_auc": pytest.approx(of.count(SOURCES[1]) / (of.count(SOURCES[1]) + of.count(SOURCES[2]))),
        "same_source_auc": 0.0,
        "sensitivity": 1.0,
        "false_positive_rate_covid_chestxray": 1.0,
        "false_positive_rate_kaggle_pneumonia": 0.0,
    }


def test_the_table_has_a_row_a_variant_and_stars_sources_that_were_trained_on(rows: list) -> None:
    split = of_validation(rows)
    found = measures(split, *np.linspace(0, 1, 2 * len(split.rows)).reshape(2, -1), 0.5, PARAMS)
    variant = {"trained_on": {"kaggle_pneumonia/NonCOVID": 9, "covid_chestxray/COVID": 9}, "measures": found}
    result = {"command": "make ablation", "date": "2026-01-01", "machine": {"processor": "a"}, "views": 4}
    text = table({**result, "variants": {"original": variant, "+ both labels": variant}})
    head, _, first, second = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    assert len(head) == len(first) == len(second) == 8
    assert (first[0], second[0]) == ("original", "+ both labels")
    starred = {name for name, cell in zip(head, first, strict=True) if "*" in cell}
    assert starred == {"false positives, kaggle_pneumonia"}
    assert "None" not in text
