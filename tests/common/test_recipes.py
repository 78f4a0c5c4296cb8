"""The committed params.yaml and the recipes in params/ load, and hold what they promise."""

import re
from pathlib import Path

import pytest
import yaml

from cxr.common.config import SECTIONS, load_params
from cxr.features.settings import FeaturesParams
from cxr.promotion.settings import RegisterParams
from cxr.sources.folder import FolderParams
from cxr.sources.settings import DownloadParams
from cxr.training.settings import TrainParams
from tests.common.params_files import KINDS, RECIPES, ROOT, written


@pytest.mark.parametrize("recipe", [None, *RECIPES], ids=lambda recipe: recipe.name if recipe else "params.yaml")
@pytest.mark.parametrize("section", SECTIONS)
def test_the_committed_recipes_load(section: str, recipe: Path | None, tmp_path: Path) -> None:
    change = yaml.safe_load(recipe.read_text(encoding="utf-8")) if recipe else {}
    assert isinstance(load_params(KINDS[section], written(tmp_path, change)), KINDS[section])


def test_there_is_a_recipe_beside_the_real_one() -> None:
    assert "demo.yaml" in [recipe.name for recipe in RECIPES]


def with_recipe(folder: Path, name: str) -> Path:
    return written(folder, yaml.safe_load((ROOT / "params" / name).read_text(encoding="utf-8")))


def test_the_original_recipe_is_one_file_away(tmp_path: Path) -> None:
    """Frozen trunk, Flatten, Dropout 0.5, Dense 2; one label from each source; turned, moved and mirrored views."""
    path = with_recipe(tmp_path, "original.yaml")
    download = load_params(DownloadParams, path)
    assert {name: source.train_on for name, source in download.all().items()} == {
        "covid_chestxray": ("COVID",),
        "kaggle_pneumonia": ("NonCOVID",),
    }
    features, train = load_params(FeaturesParams, path), load_params(TrainParams, path)
    assert {features.cut_of(backbone) for backbone in train.backbones} == {""}
    assert features.augmentation.photometric.share == 0
    assert (train.head, train.dropout, train.weighting, train.batch_size) == ("flatten", 0.5, "label", 32)


def test_the_demo_keeps_the_originals_trunks_head_and_views(tmp_path: Path) -> None:
    path = with_recipe(tmp_path, "demo.yaml")
    features, train = load_params(FeaturesParams, path), load_params(TrainParams, path)
    assert {features.cut_of(backbone) for backbone in train.backbones} == {""}
    assert (features.augmentation.photometric.share, train.head) == (0, "flatten")
    assert load_params(RegisterParams, path).metric == "unseen_auc"
    sources = load_params(DownloadParams, path).sources.values()
    assert [source.train_on for source in sources] == [("COVID", "NonCOVID")] * 2  # the yardstick can leave one out


def test_adults_are_a_source_of_negatives_whose_patients_are_told_apart(tmp_path: Path) -> None:
    adults = load_params(DownloadParams, with_recipe(tmp_path, "adults.yaml")).sources["adult_negatives"]
    assert isinstance(adults, FolderParams)
    assert set(adults.classes.values()) == set(adults.train_on) == {"NonCOVID"}
    found = re.search(adults.patient, "00000218_001.jpg")
    assert found is not None
    assert found[1] == "00000218"
