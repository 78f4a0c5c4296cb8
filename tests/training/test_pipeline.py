from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr.augmentation.photometric import UNCHANGED
from cxr.augmentation.settings import AugmentationParams
from cxr.common.errors import CxrError
from cxr.data.dataset import Split
from cxr.features.feature_cache import CacheSpec, FeatureCache, cache_specs
from cxr.features.row_store import pixel_keys
from cxr.inference.engine import Engine, Trunk
from cxr.training.calibration_fit import fit_calibration
from cxr.training.head_training import TrainedHead
from cxr.training.pipeline import calibrated_bundle, train_on_caches
from tests.labelled import labelled_split
from tests.training.head_examples import PARAMS

AUGMENTATION = AugmentationParams(rotation_degrees=5, shift_fraction=0.05, horizontal_flip=True, photometric=UNCHANGED)
SPECS = cache_specs(CacheSpec("tiny", "random-0", 32, "f32", 3, 1, AUGMENTATION))
TRAIN, VALIDATION = labelled_split(60, seed=1), labelled_split(31, seed=2)
FACTS = {"name": "covid-cxr", "backbone": "tiny", "side": 32}


def cache_of(root: Path, spec: CacheSpec, trunk: Trunk, split: Split) -> FeatureCache:
    cache = FeatureCache(root, spec, trunk.shape)
    cache.fill(pixel_keys(split.picture, len(split.rows)), split.picture, trunk)
    return cache


@pytest.fixture(scope="module")
def trunk_folder(bundle: Path) -> Path:
    return bundle.with_name(bundle.name + ".trunk")


@pytest.fixture(scope="module")
def caches(trunk_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[FeatureCache, FeatureCache]:
    trunk, root = Trunk(trunk_folder / "trunk.xml", threads=1), tmp_path_factory.mktemp("cache")
    return cache_of(root, SPECS[0], trunk, TRAIN), cache_of(root, SPECS[1], trunk, VALIDATION)


@pytest.fixture(scope="module")
def trained(caches: tuple[FeatureCache, FeatureCache]) -> TrainedHead:
    return train_on_caches(TRAIN, VALIDATION, caches, replace(PARAMS, weighting="label", epochs=60))


def test_pictures_that_differ_are_told_apart_by_the_engine_that_comes_out(
    trained: TrainedHead, trunk_folder: Path, tmp_path: Path
) -> None:
    p_covid = calibrated_bundle(
        tmp_path / "model", trunk_folder, trained, (TRAIN, VALIDATION), FACTS, 0.9, tmp_path / "cache"
    )
    engine = Engine.load(tmp_path / "model")
    np.testing.assert_allclose(engine.predict(VALIDATION.pixels), p_covid, atol=1e-6)
    assert p_covid[VALIDATION.y == 1].min() > p_covid[VALIDATION.y == 0].max()
    fresh = labelled_split(20, seed=3)
    assert ((engine.predict(fresh.pixels) >= 0.5) == (fresh.y == 1)).mean() > 0.9


def test_alignment_goes_by_the_sources_of_the_training_images(caches: tuple[FeatureCache, FeatureCache]) -> None:
    """Every third image without COVID, and every COVID image, is of another source."""
    sources = [("a", "b", "a", "b", "b", "b")[i % 6] for i in range(len(TRAIN.rows))]
    split = replace(TRAIN, rows=[replace(row, source=s) for row, s in zip(TRAIN.rows, sources, strict=True)])
    rows = caches[0].rows(pixel_keys(split.picture, len(split.rows)))
    inputs = (caches[0].features()[rows] * caches[0].scales()).mean(axis=1)
    found = {}
    for alignment in (0.0, 1e8):
        head = train_on_caches(split, VALIDATION, caches, replace(PARAMS, alignment=alignment)).head
        z, negative = inputs @ head.weights.reshape(-1), split.y == 0
        by_source = [z[negative & (np.array(sources) == source)].mean() for source in "ab"]
        found[alignment] = abs(by_source[1] - by_source[0])
    assert found[1e8] < 1e-3 * found[0.0]


@pytest.mark.parametrize("sensitivity", [0.5, 0.9, 1.0])
def test_the_threshold_reaches_the_sensitivity_that_was_asked_for_and_no_lower_one_is_needed(
    sensitivity: float, trained: TrainedHead, trunk_folder: Path, tmp_path: Path
) -> None:
    p_covid = calibrated_bundle(
        tmp_path / "model", trunk_folder, trained, (TRAIN, VALIDATION), FACTS, sensitivity, tmp_path / "cache"
    )
    threshold = Engine.load(tmp_path / "model").facts.threshold
    positives = p_covid[VALIDATION.y == 1]
    assert (positives >= threshold).mean() >= sensitivity
    assert (positives > threshold).mean() < sensitivity


def test_bias_and_temperature_are_those_that_suit_the_engines_own_answers(
    trained: TrainedHead, trunk_folder: Path, tmp_path: Path
) -> None:
    """On labels that the head cannot all have right: else there is no best one."""
    wrong = [replace(row, label="NonCOVID") if i in (1, 7, 13) else row for i, row in enumerate(VALIDATION.rows)]
    split = replace(VALIDATION, rows=wrong)
    calibrated_bundle(tmp_path / "model", trunk_folder, trained, (TRAIN, split), FACTS, 0.9, tmp_path / "cache")
    engine = Engine.load(tmp_path / "model")
    shift, temperature = fit_calibration(split.y, engine.logits(split.pixels))
    assert (shift, temperature) == (pytest.approx(0, abs=1e-3), pytest.approx(engine.facts.temperature, rel=1e-4))
    assert engine.head.bias != trained.head.bias
    assert engine.facts.temperature != 1


def test_the_facts_of_the_model_are_complete(trained: TrainedHead, trunk_folder: Path, tmp_path: Path) -> None:
    calibrated_bundle(
        tmp_path / "model",
        trunk_folder,
        trained,
        (TRAIN, VALIDATION),
        FACTS | {"note": "kept"},
        0.9,
        tmp_path / "cache",
    )
    facts = Engine.load(tmp_path / "model").facts.document
    assert (facts["note"], facts["head"], facts["backbone"], facts["side"]) == ("kept", "flatten", "tiny", 32)


def test_an_image_that_is_not_in_the_bank_stops_the_training(caches: tuple[FeatureCache, FeatureCache]) -> None:
    with pytest.raises(CxrError, match="40 of 40 images are not in the cache"):
        train_on_caches(labelled_split(40, seed=9), VALIDATION, caches, PARAMS)
