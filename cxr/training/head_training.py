"""Training the head: many epochs over random views from the cache, the best epoch by validation loss kept."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cxr.common.errors import CxrError
from cxr.common.labels import CLASSES
from cxr.evaluation.history import Epoch
from cxr.inference.head import Head, HeadKind
from cxr.training.alignment import Alignment, source_directions
from cxr.training.settings import TrainParams

if TYPE_CHECKING:
    from cxr.training.kernels import Adam

_NORM_ROWS = 256  # rows that the features' length is measured on


@dataclass(frozen=True)
class TrainingExamples:
    """features: uint8 or float32[rows, k, d], may be memory-mapped. rows: int64[n] into it. y: float32[n], 0 or 1.
    cost: float32[n], what each example weighs in the loss, 1 on average. source: int64[n], a number for each source;
    only training with `alignment` asks. scales: float32[d], what a stored 1 stands for. offsets: float32[d], what a
    stored 0 stands for; None where that is 0, as for features that cannot be negative. pooled: the views are sums over
    the locations of their maps, as an "average" head takes them."""

    features: np.ndarray
    rows: np.ndarray
    y: np.ndarray
    cost: np.ndarray
    source: np.ndarray
    scales: np.ndarray
    offsets: np.ndarray | None = None
    pooled: bool = False

    @property
    def zero(self) -> np.ndarray | float:
        """What a stored 0 stands for."""
        return 0.0 if self.offsets is None else self.offsets


@dataclass(frozen=True)
class TrainedHead:
    """centre: float32[d], length: what each feature was lessened and divided by while the head trained, d being
    h * w * c of a "flatten" head and c of an "average" one; a further training should do the same."""

    head: Head
    history: list[Epoch]
    best_epoch: int
    centre: np.ndarray
    length: float


def costs(labels: Sequence[str], sources: Sequence[str], weighting: str) -> np.ndarray:
    """float32[n], 1 on average: what each example weighs in the loss.

    "label" gives both classes the same sum; "label_and_source" gives each source of a class the same sum too,
    so that a large source does not speak for its class alone.
    """
    labels_ = np.array(labels)
    sources_ = np.array(sources)
    cost = np.ones(len(labels_))
    if weighting != "none":
        for label in set(labels):
            here = labels_ == label
            cost[here] = len(labels_) / (len(CLASSES) * here.sum())
            if weighting == "label_and_source":
                names, counts = np.unique(sources_[here], return_counts=True)
                share = dict(zip(names, here.sum() / (len(names) * counts), strict=True))
                cost[here] *= [share[source] for source in sources_[here]]
    return cost.astype(np.float32)


def train_head(
    train: TrainingExamples,
    validation: TrainingExamples,
    shape: tuple[int, int, int],
    params: TrainParams,
    progress: Callable[[Epoch], object] = lambda epoch: None,
) -> TrainedHead:
    """Train on a random view of each example per epoch; keep the epoch of least validation loss.

    shape: (h, w, c) of the feature maps that the views are. The model learns from centred and scaled features (see
    `_adam`); the returned head takes the features as they are. With `params.alignment`, each step of Adam is followed
    by one of alignment (see `_alignment`).

    Raises CxrError where a split lacks one of the classes, or where no epoch has a finite validation loss.
    """
    _require_both_classes(train, validation)
    if params.head == "average":
        train = pooled(train, shape)
        validation = pooled(validation, shape)
    mean, length = _centre_and_length(train)
    rng = np.random.default_rng(params.seed)
    model = _adam(train, mean, length, params, rng)
    alignment = _alignment(train, length, params) if params.alignment else None
    history: list[Epoch] = []
    best = (math.inf, 0, model.weights, model.bias)
    for number in range(1, params.epochs + 1):
        trained = _run_epoch(model, train, params.batch_size, rng, alignment)
        z = _validation_logits(model, train, validation, length)
        epoch = Epoch(number, *trained, *_loss_and_accuracy(z, validation))
        history.append(epoch)
        progress(epoch)
        if epoch.validation_loss < best[0]:
            best = (epoch.validation_loss, number, model.weights.copy(), model.bias)
    if not best[1]:
        raise CxrError("training diverged: no epoch has a finite validation loss; lower train.learning_rate")
    weights = best[2] / length
    centre = mean + train.zero
    bias = float(best[3]) - float(weights.astype(np.float64) @ centre)
    return TrainedHead(linear_head(params.head, weights, bias, shape), history, best[1], centre, float(length))


def _validation_logits(
    model: "Adam", train: TrainingExamples, validation: TrainingExamples, length: np.float32
) -> np.ndarray:
    """Log odds float32[n] of the pictures as they are. The two caches may have other scales and offsets."""
    first = np.zeros(len(validation.rows), np.int64)
    z = model.predict(validation.features, validation.rows, first, validation.scales / length)
    if validation.offsets is None and train.offsets is None:
        return z
    return z + np.float32(np.sum(model.weights * (validation.zero - train.zero) / length, dtype=np.float64))


def _require_both_classes(train: TrainingExamples, validation: TrainingExamples) -> None:
    for name, examples in (("training", train), ("validation", validation)):
        if len(set(examples.y.tolist())) < len(CLASSES):
            raise CxrError(f"the {name} patients carry one class only; add patients or change split.seed")


def _adam(
    train: TrainingExamples, mean: np.ndarray, length: np.float32, params: TrainParams, rng: np.random.Generator
) -> "Adam":
    """The model to train, on features that are centred and scaled to unit root mean square length.

    One learning rate then suits every backbone and head. Where all features are far from 0 and alike, as those of
    random weights are, Adam would otherwise spend its steps on what they share.
    """
    from cxr.training.kernels import Adam  # numba takes most of a second to import, and only training needs it

    return Adam(
        train.scales / length, params.dropout, params.learning_rate, params.weight_decay, rng, mean=mean / length
    )


def linear_head(kind: HeadKind, weights: np.ndarray, bias: float, shape: tuple[int, int, int]) -> Head:
    """weights: float[d] as TrainedHead has it; (h, w, c): of the feature map."""
    if kind == "average":
        height, width, _ = shape
        weights = np.tile(weights / (height * width), height * width)
    return Head(kind, weights.reshape(shape).astype(np.float32), bias)


def _alignment(train: TrainingExamples, length: np.float32, params: TrainParams) -> Alignment:
    """A step that draws the mean logits of a label's sources together (cxr/training/alignment.py).

    It is decoupled from Adam as weight decay is (Loshchilov & Hutter 2019), and the losses do not contain it. Where
    each label has one source, it does nothing. Its directions are in the units of Adam's weights, those of scaled
    features; the centre cancels in a difference.
    """
    directions = source_directions(train.features, train.rows, train.y, train.source)
    return Alignment(directions * (train.scales / length), params.learning_rate * params.alignment)


def _run_epoch(
    model: "Adam", train: TrainingExamples, batch_size: int, rng: np.random.Generator, alignment: Alignment | None
) -> tuple[float, float]:
    order = rng.permutation(len(train.rows))
    views = rng.integers(train.features.shape[1], size=len(order))
    kept, shifts = model.draw_dropout(rng, len(order))
    z = np.empty(len(order), np.float32)
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        rows = train.rows[batch]
        y = train.y[batch]
        cost = train.cost[batch]
        z[batch] = model.step(train.features, rows, views[batch], y, cost, kept, shifts[batch])
        if alignment:
            alignment.step(model.weights)
    return _loss_and_accuracy(z, train)


def _loss_and_accuracy(z: np.ndarray, examples: TrainingExamples) -> tuple[float, float]:
    """Weighted mean cross-entropy of log odds float32[n], and the plain accuracy at even odds."""
    signed = np.where(examples.y > 0, z, -z).astype(np.float64)
    return float(np.mean(np.logaddexp(0, -signed) * examples.cost)), float(np.mean(signed > 0))


def pooled(examples: TrainingExamples, shape: tuple[int, int, int]) -> TrainingExamples:
    """The examples with views [n, k, c], each the sum over the locations of its feature map, still in bytes' steps;
    those that are pooled already, as they are.

    Sums of bytes are exact in 16 bits up to 257 locations, in half the memory of floats: 2 GB for 50,000 images of
    10 views and 2,048 channels.
    """
    if examples.pooled:
        return examples
    height, width, channels = shape
    locations = height * width
    kind = _sum_type(examples.features.dtype, locations)
    sums = np.empty((len(examples.rows), examples.features.shape[1], channels), kind)
    for i, row in enumerate(examples.rows):
        maps = examples.features[row].reshape(-1, locations, channels)
        maps.sum(axis=1, dtype=kind, out=sums[i])
    scales = (examples.scales[:channels] / locations).astype(np.float32)
    offsets = None if examples.offsets is None else examples.offsets[:channels]  # the same at every location
    return replace(examples, features=sums, rows=np.arange(len(sums)), scales=scales, offsets=offsets, pooled=True)


def _sum_type(stored: np.dtype, locations: int) -> type[np.generic]:
    if stored != np.uint8:
        return np.float32
    return np.uint16 if locations * 255 < 2**16 else np.uint32


def _centre_and_length(examples: TrainingExamples) -> tuple[np.ndarray, np.float32]:
    """Mean float32[d] of the features less their offsets, and the root mean square Euclidean length of what is left of
    them, from a spread of rows."""
    spread = examples.rows[:: max(1, len(examples.rows) // _NORM_ROWS)]
    mean = np.mean([examples.features[row, 0] for row in spread], axis=0, dtype=np.float64) * examples.scales
    squares = [float(np.square(examples.features[row, 0] * examples.scales - mean).sum()) for row in spread]
    return mean.astype(np.float32), np.float32(max(math.sqrt(float(np.mean(squares))), 1e-12))
