"""What the audit reads off the trunk's features: sources that can be told apart, and the recipe trained anew."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr.audit.dataset import averaged, pooled_features, surrogate_head
from cxr.audit.feature_checks import FeatureExamples, cross_fitted, leave_one_source_out, source_probe
from cxr.audit.probes import balanced, gram, patient_folds, rank_auc, ridge, separate
from cxr.common.labels import COVID, NON_COVID
from cxr.inference.engine import Engine
from cxr.inference.head import Head
from tests.audits import INTERVALS, PARAMS, one
from tests.labelled import labelled_split


def features(per_group: int = 40, source_gap: float = 4.0, finding: float = 3.0, seed: int = 0):
    """Three sources; the first feature says the source, the second the finding, the others nothing."""
    rng = np.random.default_rng(seed)
    groups = [(COVID, "a"), (NON_COVID, "a"), (NON_COVID, "b"), (NON_COVID, "c"), (COVID, "c")]
    labels, sources = ([group[k] for group in groups for _ in range(per_group)] for k in (0, 1))
    patients = [f"{source}/{label}/{i // 2}" for i, (label, source) in enumerate(zip(labels, sources, strict=True))]
    x = rng.normal(size=(len(labels), 12)).astype(np.float32)
    x[:, 0] += source_gap * np.array([{"a": 1.0, "b": -1.0, "c": 0.0}[source] for source in sources])
    x[:, 1] += finding * (np.array(labels) == COVID)
    return x, FeatureExamples(labels, sources, patients, np.ones(len(labels), bool))


def test_the_probe_finds_sources_that_differ_and_none_where_they_do_not():
    x, examples = features()
    found = {f.subject: f for f in source_probe(gram(x), examples, PARAMS, INTERVALS)}
    assert found["NonCOVID: a against b"].value > 0.95
    assert "with sources dealt at random 0." in found["NonCOVID: a against b"].note
    x, examples = features(source_gap=0)
    same = [f for f in source_probe(gram(x), examples, PARAMS, INTERVALS) if f.value is not None]
    assert np.mean([f.value for f in same]) == pytest.approx(0.5, abs=0.1)


def test_shuffled_sources_give_a_coin():
    x, examples = features()
    here = np.array(examples.labels) == NON_COVID
    image_size = np.array(examples.sources)[here] == "a"
    patients = list(np.array(examples.patients)[here])
    found = separate(gram(x[here]), image_size, patients, folds=4, permutations=100, seed=0)
    assert rank_auc(image_size, found.scores) > 0.95
    assert found.permuted.mean() == pytest.approx(0.5, abs=0.05)


def test_a_patient_is_in_one_fold_and_folds_are_even():
    patients = [f"p{i // 3}" for i in range(60)]
    fold = patient_folds(patients, 4, np.random.default_rng(0))
    assert all(len(set(fold[i : i + 3])) == 1 for i in range(0, 60, 3))
    assert np.bincount(fold).tolist() == [15, 15, 15, 15]


def test_ridge_is_the_weighted_least_squares_fit():
    rng = np.random.default_rng(0)
    x, t, w = rng.normal(size=(30, 4)), rng.normal(size=30), rng.uniform(0.5, 2, 30)
    got = ridge(x @ x.T, np.arange(20), t[:20], w[:20])
    share = w[:20] / w[:20].sum()
    b = np.linalg.solve(x[:20].T @ (share[:, None] * x[:20]) + 1e-3 * np.eye(4), x[:20].T @ (share * t[:20]))
    assert got == pytest.approx(x @ b)


def test_weights_give_every_group_the_same_say():
    assert balanced(["a", "a", "a", "b"]).tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])


def test_cross_fitting_tells_a_finding_from_a_source():
    x, examples = features(finding=3.0)
    fit = surrogate_head(gram(x), examples, "label_and_source")
    assert one(list(cross_fitted(fit, examples, PARAMS, INTERVALS)), "cross_fitted", "a").value > 0.9
    x, examples = features(finding=0.0)
    fit = surrogate_head(gram(x), examples, "label_and_source")
    none = one(list(cross_fitted(fit, examples, PARAMS, INTERVALS)), "cross_fitted", "a")
    assert none.low < 0.55


def test_no_patient_is_scored_by_a_head_that_was_trained_on_it():
    _, examples = features()
    who, seen = np.array(examples.patients), []

    def fit(trained_on: np.ndarray) -> np.ndarray:
        seen.append(set(who[trained_on]))
        return np.arange(len(who), dtype=float)

    list(cross_fitted(fit, examples, PARAMS, INTERVALS))
    assert len(seen) == PARAMS.folds
    assert set.intersection(*seen) == set()


def test_a_source_left_out_is_not_trained_on():
    x, examples = features()
    sources, asked = np.array(examples.sources), []
    inner = surrogate_head(gram(x), examples, "label_and_source")

    def fit(trained_on: np.ndarray) -> np.ndarray:
        asked.append(set(sources[trained_on]))
        return inner(trained_on)

    found = list(leave_one_source_out(fit, examples, 0.9, PARAMS, INTERVALS))
    assert all(len(used) == 2 for used in asked)
    rates = {f.subject: f.value for f in found if f.statistic == "share called COVID"}
    assert rates["c: COVID"] > 0.6
    assert rates["c: NonCOVID"] < 0.2


def test_a_label_that_only_one_source_has_can_not_be_left_out():
    x, examples = features()
    part = replace(examples, trainable=np.array([s in "ab" for s in examples.sources]))
    found = list(leave_one_source_out(surrogate_head(gram(x), part, "label"), part, 0.9, PARAMS, INTERVALS))
    assert one(found, "leave_one_source_out", "a").note == "not measurable: COVID comes from it alone"


@pytest.mark.parametrize("kind", ["flatten", "average"])
def test_the_stand_in_sees_what_the_head_sees_averaged_over_places(kind: str, bundle: Path) -> None:
    """Over more pictures than are read at once."""
    engine = Engine.load(bundle)
    split = labelled_split(70)
    head = Head(kind, np.ones(engine.trunk.shape, np.float32), 0.0)  # type: ignore[arg-type]
    found = pooled_features(Engine(engine.trunk, head, engine.facts), split)
    maps = engine.trunk.feature_maps(split.pixels)
    expected = averaged(maps) if kind == "flatten" else maps.mean(axis=(1, 2))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_places_are_averaged_whatever_the_size_of_the_map():
    maps = np.random.default_rng(0).normal(size=(2, 9, 9, 3)).astype(np.float32)
    assert averaged(maps[:, :1, :1]) == pytest.approx(maps[:, 0, 0], abs=1e-6)
    assert averaged(maps).shape == (2, 48)
    assert averaged(maps)[:, :3] == pytest.approx(maps[:, :3, :3].mean(axis=(1, 2)), abs=1e-6)
    assert averaged(maps[:, :2, :2]).shape == (2, 12)
