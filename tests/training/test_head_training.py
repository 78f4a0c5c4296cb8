"""Training a head on cached features: what it learns, what it keeps, and what its examples cost."""

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from cxr.common.errors import CxrError
from cxr.training.head_training import TrainingExamples, costs, pooled, train_head
from tests.training.head_examples import PARAMS, SHAPE, TRAIN, VALIDATION, dequantised, hopeless, loss_of


@pytest.mark.parametrize("kind", ["flatten", "average"])
def test_what_can_be_separated_is_separated(kind: str) -> None:
    trained = train_head(TRAIN, VALIDATION, SHAPE, replace(PARAMS, head=kind, learning_rate=0.05))
    assert trained.history[trained.best_epoch - 1].validation_accuracy == 1
    assert ((trained.head.logits(dequantised(VALIDATION)) > 0) == (VALIDATION.y == 1)).all()
    assert trained.history[-1].train_loss < trained.history[0].train_loss


@pytest.mark.parametrize("kind", ["flatten", "average"])
def test_the_best_epoch_is_the_one_that_is_kept(kind: str) -> None:
    """Labels drawn by lot: the validation loss turns round, and the last epoch is not the best."""
    train, validation = hopeless(TRAIN, 2), hopeless(VALIDATION, 3)
    trained = train_head(train, validation, SHAPE, replace(PARAMS, head=kind, dropout=0.0, learning_rate=0.2))
    losses = [epoch.validation_loss for epoch in trained.history]
    assert trained.best_epoch == 1 + int(np.argmin(losses)) < len(losses)
    assert math.isclose(loss_of(trained, validation), min(losses), rel_tol=1e-4)
    assert losses[-1] > 1.01 * min(losses)


@pytest.mark.parametrize(
    ("shape", "stored"), [((2, 3, 40), np.uint16), ((20, 12, 1), np.uint16), ((20, 13, 1), np.uint32)]
)
def test_pooling_is_exact_however_many_locations_there_are(shape: tuple[int, int, int], stored: type) -> None:
    depth = math.prod(shape)
    views = np.random.default_rng(6).integers(200, 256, (4, 3, depth), np.uint8)
    views[1] = 255
    scales = np.tile(np.linspace(0.01, 0.3, shape[2]).astype(np.float32), shape[0] * shape[1])
    nothing = np.zeros(2)
    sums = pooled(TrainingExamples(views, np.array([3, 1]), nothing, nothing, nothing, scales), shape)
    means = (views * scales).reshape(4, 3, -1, shape[2]).mean(axis=2, dtype=np.float64)
    assert sums.features.dtype == stored
    np.testing.assert_allclose(sums.features[sums.rows] * sums.scales, means[[3, 1]], rtol=1e-6)


def test_the_history_has_every_epoch_and_progress_is_told_of_each() -> None:
    told = []
    trained = train_head(TRAIN, VALIDATION, SHAPE, replace(PARAMS, epochs=5), told.append)
    assert trained.history == told
    assert [epoch.epoch for epoch in told] == [1, 2, 3, 4, 5]


def test_an_average_head_is_a_linear_head_on_the_pooled_features() -> None:
    trained = train_head(TRAIN, VALIDATION, SHAPE, replace(PARAMS, head="average", epochs=3))
    weights = trained.head.weights
    assert (trained.head.kind, weights.shape) == ("average", SHAPE)
    np.testing.assert_array_equal(weights, np.broadcast_to(weights[0, 0], SHAPE))
    pooled = dequantised(VALIDATION).mean(axis=(1, 2), dtype=float)
    expected = pooled @ (weights[0, 0].astype(float) * SHAPE[0] * SHAPE[1]) + trained.head.bias
    np.testing.assert_allclose(trained.head.logits(dequantised(VALIDATION)), expected, rtol=1e-5, atol=1e-6)


def test_a_flatten_head_looks_where_the_difference_is() -> None:
    weights = np.abs(train_head(TRAIN, VALIDATION, SHAPE, PARAMS).head.weights).mean(axis=2)
    assert np.unravel_index(weights.argmax(), SHAPE[:2]) == (0, 0)


def test_the_same_seed_gives_the_same_bits_and_another_does_not() -> None:
    first, again, other = (
        train_head(TRAIN, VALIDATION, SHAPE, replace(PARAMS, epochs=3, seed=seed)) for seed in (7, 7, 8)
    )
    assert first.head.weights.tobytes() == again.head.weights.tobytes()
    assert (first.head.bias, first.history) == (again.head.bias, again.history)
    assert first.head.weights.tobytes() != other.head.weights.tobytes()


def test_only_the_examples_rows_of_the_bank_are_used() -> None:
    """The cache holds others' rows as well, and in another order."""
    order = np.random.default_rng(4).permutation(80)
    stored = np.full((80, *TRAIN.features.shape[1:]), 255, np.uint8)
    stored[order[:64]] = TRAIN.features
    stored.flags.writeable = False
    among_others = replace(TRAIN, features=stored, rows=order[:64])
    few = replace(PARAMS, epochs=3)
    trained, expected = (train_head(image_size, VALIDATION, SHAPE, few) for image_size in (among_others, TRAIN))
    assert trained.history == expected.history


def test_every_view_is_drawn_and_not_only_the_first() -> None:
    """Only the last view tells the classes apart."""
    views = np.full(TRAIN.features.shape, 60, np.uint8)
    views[:, 2] = TRAIN.features[:, 2]
    views.flags.writeable = False
    trained = train_head(replace(TRAIN, features=views), VALIDATION, SHAPE, PARAMS)
    assert trained.history[trained.best_epoch - 1].validation_accuracy == 1


def test_the_unit_of_the_features_does_not_matter() -> None:
    """One learning rate suits every backbone, though one's features are a hundred times another's."""
    few = replace(PARAMS, epochs=3)
    large = [replace(image_size, scales=image_size.scales * np.float32(128)) for image_size in (TRAIN, VALIDATION)]
    trained, scaled = train_head(TRAIN, VALIDATION, SHAPE, few), train_head(*large, SHAPE, few)
    np.testing.assert_allclose(scaled.head.weights * 128, trained.head.weights, rtol=1e-4, atol=1e-7)
    assert math.isclose(trained.history[-1].validation_loss, scaled.history[-1].validation_loss, rel_tol=1e-5)


def test_what_costs_more_counts_more() -> None:
    train, validation = hopeless(TRAIN, 2), hopeless(VALIDATION, 3)
    few = replace(PARAMS, epochs=10)
    said = []
    for weight in (0.2, 1.8):
        cost = np.where(train.y == 1, weight, 2 - weight).astype(np.float32)
        said.append(train_head(replace(train, cost=cost), validation, SHAPE, few).head.logits(dequantised(validation)))
    assert (said[1] > said[0]).mean() > 0.9


@pytest.mark.parametrize("split", ["training", "validation"])
def test_a_side_of_one_class_is_an_error_that_names_it(split: str) -> None:
    only = {"training": TRAIN, "validation": VALIDATION}
    only[split] = replace(only[split], y=np.ones_like(only[split].y))
    with pytest.raises(
        CxrError, match=rf"the {split} patients carry one class only; add patients or change split\.seed"
    ):
        train_head(only["training"], only["validation"], SHAPE, PARAMS)


def test_a_training_that_diverges_is_said_so() -> None:
    broken = replace(VALIDATION, cost=np.full_like(VALIDATION.cost, np.nan))
    with pytest.raises(CxrError, match=r"training diverged.*lower train\.learning_rate"):
        train_head(TRAIN, broken, SHAPE, replace(PARAMS, epochs=2))


LABELS = ["COVID"] * 10 + ["NonCOVID"] * 30
SOURCES = ["a"] * 2 + ["b"] * 8 + ["a"] * 20 + ["b"] * 4 + ["c"] * 6


def sums(*keys: list[str], weighting: str) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = defaultdict(float)
    for *key, cost in zip(*keys, costs(LABELS, SOURCES, weighting).tolist(), strict=True):
        found[tuple(key)] += cost
    return found


@pytest.mark.parametrize("weighting", ["none", "label", "label_and_source"])
def test_costs_are_one_on_average(weighting: str) -> None:
    assert math.isclose(costs(LABELS, SOURCES, weighting).mean(), 1, rel_tol=1e-6)


@pytest.mark.parametrize("weighting", ["label", "label_and_source"])
def test_both_classes_weigh_the_same(weighting: str) -> None:
    assert sums(LABELS, weighting=weighting) == pytest.approx({("COVID",): 20, ("NonCOVID",): 20})


def test_each_source_of_a_class_weighs_the_same() -> None:
    expected = {("COVID", "a"): 10, ("COVID", "b"): 10} | {("NonCOVID", source): 20 / 3 for source in "abc"}
    assert sums(LABELS, SOURCES, weighting="label_and_source") == pytest.approx(expected)


def test_without_weighting_every_image_weighs_one() -> None:
    assert set(costs(LABELS, SOURCES, "none").tolist()) == {1.0}


@pytest.mark.parametrize("kind", ["flatten", "average"])
def test_a_head_from_signed_features_is_the_one_from_the_same_features_without_an_offset(kind: str) -> None:
    """Features are centred first, so what a stored 0 stands for moves the bias alone; two caches may differ in it."""
    params = replace(PARAMS, head=kind)
    at_channels = np.linspace(-9, 4, SHAPE[2]).astype(np.float32)
    offsets = np.tile(at_channels, SHAPE[0] * SHAPE[1])
    plain = train_head(TRAIN, VALIDATION, SHAPE, params)
    signed = train_head(replace(TRAIN, offsets=offsets), replace(VALIDATION, offsets=offsets), SHAPE, params)
    np.testing.assert_array_equal(signed.head.weights, plain.head.weights)
    shown = dequantised(VALIDATION)
    np.testing.assert_allclose(signed.head.logits(shown + at_channels), plain.head.logits(shown), atol=1e-4)
    np.testing.assert_allclose(signed.centre - plain.centre, offsets[: len(plain.centre)], atol=1e-4)


def test_the_validation_loss_counts_the_offset_of_its_own_cache() -> None:
    """The same pictures, kept with another offset: each byte 3 less, and 3 steps in the offset."""
    shifted = replace(VALIDATION, features=np.clip(VALIDATION.features, 3, None) - np.uint8(3))
    same = replace(shifted, features=shifted.features + np.uint8(3))
    plain = train_head(TRAIN, same, SHAPE, PARAMS)
    moved = train_head(TRAIN, replace(shifted, offsets=3 * shifted.scales), SHAPE, PARAMS)
    losses = [[epoch.validation_loss for epoch in trained.history] for trained in (moved, plain)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
