"""Alignment in the training of a head: sources of one label get one mean logit, and nothing else changes."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cxr.training.head_training import TrainedHead, TrainingExamples, train_head
from tests.training.head_examples import PARAMS, SHAPE, TRAIN, VALIDATION, loss_of


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
