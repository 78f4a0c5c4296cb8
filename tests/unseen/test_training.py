"""Folds trained on a tiny trunk: what they learn, what they may not know, and that none is trained twice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr.augmentation.photometric import UNCHANGED
from cxr.augmentation.settings import AugmentationParams
from cxr.common.errors import CxrError
from cxr.common.report_files import read_report, write_report
from cxr.data.dataset import Dataset
from cxr.evaluation.settings import EvaluateParams
from cxr.features.feature_cache import CacheSpec, FeatureCache, cache_specs
from cxr.features.row_store import pixel_keys
from cxr.features.settings import FeaturesParams
from cxr.inference.engine import Trunk
from cxr.unseen.fold_store import _Stored
from cxr.unseen.plan import EXTERNAL, fold_of, plan_folds
from cxr.unseen.summary import summarise
from cxr.unseen.training import FoldTrainer, fold_pictures
from tests.training.head_examples import PARAMS
from tests.unseen.made import dataset, trunk_of

AUGMENTATION = AugmentationParams(rotation_degrees=5, shift_fraction=0.05, horizontal_flip=True, photometric=UNCHANGED)
SPECS = cache_specs(CacheSpec("tiny", "random-0", 32, "f32", 2, 1, AUGMENTATION))
FEATURES = FeaturesParams(
    augmented_views=2,
    seed=1,
    precision="f32",
    augmentation=AUGMENTATION,
    weights={"vgg16": "random"},
    cut={"vgg16": ""},
    exported={},
    focus="data/pixels.npy",
)
RECIPE = replace(PARAMS, weighting="label_and_source", epochs=30)
INTERVALS = EvaluateParams(resamples=100, confidence=0.95, prevalence=0.1, seed=3)
DATA = dataset(("a", "b", "c"), external="e")


def trainer_of(data: Dataset, bundle: Path, folder: Path, **changes: object) -> FoldTrainer:
    trunk = Trunk(trunk_of(bundle) / "trunk.xml", threads=1)
    caches = []
    for part, spec in zip(("train", "validation"), SPECS, strict=True):
        split = data.split(part)
        cache = FeatureCache(folder / "features", spec, trunk.shape)
        cache.fill(pixel_keys(split.picture, len(split.rows)), split.picture, trunk)
        caches.append(cache)
    recipe = replace(RECIPE, **changes)
    pictures = fold_pictures(data)
    kept = (folder / "memory", folder / "folds")
    return FoldTrainer("tiny", pictures, trunk_of(bundle), (caches[0], caches[1]), recipe, FEATURES, *kept)


@pytest.fixture
def trainer(bundle: Path, tmp_path: Path) -> FoldTrainer:
    return trainer_of(DATA, bundle, tmp_path)


def test_no_test_patient_takes_part() -> None:
    pictures = fold_pictures(DATA)
    assert {DATA.split_of[row.path] for row in pictures.split.rows} == {"train", "validation", "held_out"}
    assert set(pictures.columns.parts) == {"train", "validation", EXTERNAL}


def test_held_out_images_of_known_sources_and_people_take_no_part() -> None:
    """They are no unseen source's: a model knows the place, or the person."""
    rows = [replace(row, patient=DATA.rows[0].patient) if row.path == "e/0.png" else row for row in DATA.rows]
    split_of = {**DATA.split_of, "a/1.png": "held_out"}
    paths = {row.path for row in fold_pictures(Dataset(rows, split_of, DATA.pixels)).split.rows}
    assert "e/3.png" in paths
    assert not paths & {"a/1.png", "e/0.png"}


@pytest.mark.parametrize(("head", "epochs"), [("flatten", 30), ("average", 400)])
def test_a_disease_that_can_be_seen_is_told_in_sources_that_were_left_out(
    head: str, epochs: int, bundle: Path, tmp_path: Path
) -> None:
    trainer = trainer_of(DATA, bundle, tmp_path, head=head, epochs=epochs)
    columns = trainer.pictures.columns
    plan = plan_folds(columns)
    folds = [fold for fold in plan.folds if fold.left_out in (("a",), ("a", "b"))]
    answers = trainer.all_answers(folds, 2)
    pairs = tuple(pair for pair in plan.pairs if pair.left_out in answers)
    report = summarise(columns, replace(plan, pairs=pairs, folds=tuple(folds)), answers, 2, INTERVALS)
    assert len(report["pairs"]) == 3
    assert report["unseen_auc"]["value"] > 0.95
    assert report["external"]["e"]["auc"]["value"] > 0.95


def test_labels_dealt_at_random_are_told_by_chance(bundle: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    labels = rng.permutation([row.label for row in DATA.rows])
    rows = [replace(row, label=str(label)) for row, label in zip(DATA.rows, labels, strict=True)]
    trainer = trainer_of(Dataset(rows, DATA.split_of, DATA.pixels), bundle, tmp_path)
    columns = trainer.pictures.columns
    plan = plan_folds(columns)
    single = tuple(pair for pair in plan.pairs if len(pair.left_out) == 1)
    folds = tuple(fold for fold in plan.folds if len(fold.left_out) == 1)
    report = summarise(columns, replace(plan, pairs=single, folds=folds), trainer.all_answers(folds, 1), 1, INTERVALS)
    assert 0.3 < report["unseen_auc"]["value"] < 0.7


def test_a_fold_is_the_same_whatever_the_left_out_labels_are(bundle: Path, tmp_path: Path) -> None:
    """The sharpest test of a leak: turn every label of the source left out, and nothing moves."""
    turned = {"COVID": "NonCOVID", "NonCOVID": "COVID"}
    rows = [replace(row, label=turned[row.label]) if row.source == "a" else row for row in DATA.rows]
    found = []
    for name, data in (("one", DATA), ("two", Dataset(rows, DATA.split_of, DATA.pixels))):
        trainer = trainer_of(data, bundle, tmp_path / name)
        found.append(trainer.answers(fold_of(trainer.pictures.columns, ("a",)), 0))
    np.testing.assert_array_equal(found[0].p_covid, found[1].p_covid)
    assert found[0].threshold == found[1].threshold


def test_a_finished_fold_is_read_and_not_trained_again(trainer: FoldTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    folds = [fold_of(trainer.pictures.columns, (source,)) for source in "ab"]
    first = trainer.all_answers(folds[:1], 1)
    trained = []
    whole = FoldTrainer._trained

    def counting(self, fold, params):
        trained.append((fold.left_out, params.seed))
        return whole(self, fold, params)

    monkeypatch.setattr(FoldTrainer, "_trained", counting)
    again = trainer.all_answers(folds, 2)
    assert trained == [(("a",), RECIPE.seed + 1), (("b",), RECIPE.seed), (("b",), RECIPE.seed + 1)]
    np.testing.assert_array_equal(again["a",][0].p_covid, first["a",][0].p_covid)


def test_what_made_a_fold_decides_where_it_is_kept(trainer: FoldTrainer) -> None:
    fold = fold_of(trainer.pictures.columns, ("a",))
    facts = [
        trainer._facts(fold, RECIPE),
        trainer._facts(fold, replace(RECIPE, seed=RECIPE.seed + 1)),
        trainer._facts(fold, replace(RECIPE, dropout=0.1)),
        trainer._facts(fold_of(trainer.pictures.columns, ("b",)), RECIPE),
        trainer._facts(replace(fold, train=fold.train[1:]), RECIPE),
        trainer._facts(replace(fold, asked=fold.asked[1:]), RECIPE),
    ]
    assert len({str(one) for one in facts}) == len(facts)
    assert trainer._facts(fold, replace(RECIPE, backbones=("xception",))) == facts[0]


def test_a_file_under_a_wrong_name_is_noticed(trainer: FoldTrainer) -> None:
    fold = fold_of(trainer.pictures.columns, ("a",))
    trainer.answers(fold, 0)
    (path,) = trainer.kept.iterdir()
    stored = read_report(_Stored, path)
    write_report({**stored, "facts": {**stored["facts"], "backbone": "other"}}, path)
    with pytest.raises(CxrError, match="another fold than its name says"):
        trainer.answers(fold, 0)
