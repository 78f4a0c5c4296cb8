import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from cxr.common.errors import CxrError
from cxr.training.head_training import TrainedHead, TrainingExamples, _pooled, costs, train_head
from cxr.training.settings import TrainParams

SHAPE = (2, 3, 40)
PARAMS = TrainParams(
    head="flatten",
    dropout=0.3,
    learning_rate=0.01,
    weight_decay=0.0,
    batch_size=16,
    epochs=40,
    weighting="none",
    alignment=0.0,
    seed=7,
    sensitivity=0.9,
    fine_tune=0,
    fine_tune_epochs=1,
    fine_tune_learning_rate=1e-5,
    backbones=("vgg16",),
)


def examples(count: int, views: int, seed: int, *, noise: float = 20) -> TrainingExamples:
    """Half of them COVID: at the first location its channels speak, or the others; stored as a cache stores them."""
    rng = np.random.default_rng(seed)
    y = np.arange(count, dtype=np.float32) % 2
    maps = rng.normal(60, noise, (count, views, *SHAPE))
    of_covid = np.arange(SHAPE[2]) < SHAPE[2] // 2
    maps[:, :, 0, 0] += 100 * (of_covid == y[:, None, None])
    stored = np.clip(maps, 0, 255).astype(np.uint8).reshape(count, views, -1)
    stored.flags.writeable = False
    scales = np.tile(np.linspace(0.01, 0.3, SHAPE[2]).astype(np.float32), SHAPE[0] * SHAPE[1])
    return TrainingExamples(stored, np.arange(count), y, np.ones(count, np.float32), np.zeros(count, np.int64), scales)


def hopeless(split: TrainingExamples, seed: int) -> TrainingExamples:
    """The same pictures under labels that were drawn by lot: to learn them is to overfit."""
    return replace(split, y=np.random.default_rng(seed).permutation(split.y))


def dequantised(split: TrainingExamples) -> np.ndarray:
    """Each example's first view as the trunk would give it, float32[n, h, w, c]."""
    return (split.features[split.rows, 0] * split.scales).reshape(-1, *SHAPE)


def loss_of(trained: TrainedHead, split: TrainingExamples) -> float:
    """Mean cross-entropy of the returned head, by its own `logits`."""
    p = 1 / (1 + np.exp(-trained.head.logits(dequantised(split))))
    return float(-np.mean(split.cost * np.log(np.where(split.y == 1, p, 1 - p))))


TRAIN, VALIDATION = examples(64, 3, seed=0), examples(32, 1, seed=1)


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
    pooled = _pooled(TrainingExamples(views, np.array([3, 1]), nothing, nothing, nothing, scales), shape)
    means = (views * scales).reshape(4, 3, -1, shape[2]).mean(axis=2, dtype=np.float64)
    assert pooled.features.dtype == stored
    np.testing.assert_allclose(pooled.features[pooled.rows] * pooled.scales, means[[3, 1]], rtol=1e-6)


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


def of_three_sources(split: TrainingExamples) -> TrainingExamples:
    """Each label has a large, a smaller and a source of one image, and each source its own brighter channels. The rows
    stand in the cache in another order, among others' rows."""
    rng = np.random.default_rng(5)
    source = np.where(rng.random(len(split.y)) < 0.3, 1 + split.y.astype(np.int64), 0)
    source[:4] = [2, 0, 0, 1]  # the sources of one image: 2 of the first label, 1 of the second
    views = split.features.astype(float)
    for number, channels in enumerate((slice(0, 6), slice(10, 18), slice(15, 30))):
        views.reshape(*views.shape[:2], *SHAPE)[source == number, ..., channels] += 60
    order = rng.permutation(len(views) + 9)[: len(views)]
    stored = np.full((len(views) + 9, *views.shape[1:]), 255, np.uint8)
    stored[order] = np.clip(views, 0, 255)
    stored.flags.writeable = False
    return replace(split, features=stored, rows=order, source=source)


def inputs_of(split: TrainingExamples, kind: str) -> np.ndarray:
    """float64[n, k, d] of every view, as a head of this kind weighs them but neither centred nor scaled."""
    maps = split.features[split.rows] * split.scales.astype(float)
    return maps if kind == "flatten" else maps.reshape(*maps.shape[:2], -1, SHAPE[2]).mean(axis=2)


def weights_of(trained: TrainedHead) -> np.ndarray:
    """float64[d], in the units of `inputs_of`."""
    weights = trained.head.weights.astype(float)
    return weights.reshape(-1) if trained.head.kind == "flatten" else weights.sum(axis=(0, 1))


def source_means(values: np.ndarray, split: TrainingExamples) -> dict[float, list[np.ndarray]]:
    """By label: the mean of values [n, k, ...] over the images and views of each of its sources."""
    found: dict[float, list[np.ndarray]] = {0: [], 1: []}
    for label, source in sorted(set(zip(split.y.tolist(), split.source.tolist(), strict=True))):
        found[label].append(values[(split.y == label) & (split.source == source)].mean(axis=(0, 1)))
    return found


def spread(means: list[np.ndarray]) -> float:
    return float(np.ptp(means))


MIXED = of_three_sources(TRAIN)


@pytest.mark.parametrize("kind", ["flatten", "average"])
def test_with_a_large_alignment_the_sources_of_a_label_have_one_mean_logit(kind: str) -> None:
    params = replace(PARAMS, head=kind, learning_rate=0.05)
    plain, aligned = (train_head(MIXED, VALIDATION, SHAPE, replace(params, alignment=value)) for value in (0.0, 1e8))
    before, after = (source_means(inputs_of(MIXED, kind) @ weights_of(head), MIXED) for head in (plain, aligned))
    for label in (0, 1):
        assert len(after[label]) > 1
        assert spread(after[label]) < min(1e-4, spread(before[label]) / 100)
    assert abs(np.mean(after[1]) - np.mean(after[0])) > 1  # the labels are told apart all the same
    assert aligned.history[aligned.best_epoch - 1].validation_accuracy == 1


@pytest.mark.parametrize("kind", ["flatten", "average"])
@pytest.mark.parametrize("alignment", [3.0, 300.0])
def test_a_step_is_drawn_by_alignment_as_the_formula_says(kind: str, alignment: float) -> None:
    """One step of the whole cache, against w - D^T (D D^T + 1 / (2 rate alignment))^-1 D w on inputs in plain numpy."""
    params = replace(PARAMS, head=kind, epochs=1, batch_size=len(MIXED.y))
    plain = train_head(MIXED, VALIDATION, SHAPE, params)
    aligned = train_head(MIXED, VALIDATION, SHAPE, replace(params, alignment=alignment))
    inputs = (inputs_of(MIXED, kind) - plain.centre) / plain.length
    rows = [np.stack(means) - np.mean(means, axis=0) for means in source_means(inputs, MIXED).values()]
    d, w = np.concatenate(rows), weights_of(plain) * plain.length
    inner = d @ d.T + np.eye(len(d)) / (2 * params.learning_rate * alignment)
    expected = w - d.T @ np.linalg.solve(inner, d @ w)
    np.testing.assert_allclose(weights_of(aligned) * aligned.length, expected, rtol=1e-4, atol=1e-6)
    assert np.abs(expected - w).max() > 1e-3
    biases = [each.head.bias + weights_of(each) @ each.centre for each in (plain, aligned)]
    assert math.isclose(*biases, abs_tol=1e-5)


def test_more_alignment_leaves_less_difference_between_sources() -> None:
    left = []
    for alignment in (0.0, 1.0, 100.0, 10_000.0):
        trained = train_head(MIXED, VALIDATION, SHAPE, replace(PARAMS, alignment=alignment))
        left.append(spread(source_means(inputs_of(MIXED, "flatten") @ weights_of(trained), MIXED)[0]))
    assert left == sorted(left, reverse=True)


@pytest.mark.parametrize("kind", ["flatten", "average"])
def test_alignment_does_nothing_where_each_label_has_one_source(kind: str) -> None:
    few = replace(PARAMS, head=kind, epochs=3)
    one_each = replace(MIXED, source=MIXED.y.astype(np.int64))
    plain = train_head(MIXED, VALIDATION, SHAPE, few)
    aligned = train_head(one_each, VALIDATION, SHAPE, replace(few, alignment=100.0))
    assert (aligned.head.weights.tobytes(), aligned.history) == (plain.head.weights.tobytes(), plain.history)


def test_the_losses_do_not_contain_the_alignment() -> None:
    trained = train_head(MIXED, VALIDATION, SHAPE, replace(PARAMS, alignment=1e8))
    best = trained.history[trained.best_epoch - 1].validation_loss
    assert math.isclose(loss_of(trained, VALIDATION), best, rel_tol=1e-4)


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
