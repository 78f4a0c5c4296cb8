"""Feature caches made up for training heads, and the settings to train them with."""

from dataclasses import replace

import numpy as np

from cxr.training.head_training import TrainedHead, TrainingExamples
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
