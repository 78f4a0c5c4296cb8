"""Fine-tuning: the last blocks of a trunk and the head on it are trained end to end, over the cache's own views.

The head is trained before: a random head's gradients would destroy the pretrained filters. Keras 3 code, that runs
on TensorFlow, JAX and torch alike (KERAS_BACKEND).
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cxr.common.errors import CxrError
from cxr.common.parallel import bar
from cxr.data.dataset import Split
from cxr.evaluation.history import Epoch
from cxr.features.settings import FeaturesParams
from cxr.inference.precision import Chosen, fastest_float
from cxr.networks.backbones import build_trunk, open_blocks
from cxr.networks.keras_export import start_keras
from cxr.networks.registry import Backbone
from cxr.training.batches import AugmentedBatches, PlainBatches
from cxr.training.head_training import TrainedHead, costs, linear_head
from cxr.training.settings import TrainParams

_MOST_WORKERS = 8  # threads that make batches: one makes more than a hundred views a second


@dataclass(frozen=True)
class FineTuned:
    """trunk: a keras.Model in float32, or None where no epoch was better than the frozen trunk. trained: the head
    that goes with it; its history has the epochs of both trainings."""

    trunk: Any
    trained: TrainedHead


def fine_tune(
    backbone: Backbone,
    start: TrainedHead,
    train: Split,
    validation: Split,
    params: TrainParams,
    features: FeaturesParams,
) -> FineTuned:
    """Train the last `params.fine_tune` blocks with the head; keep the epoch of least validation loss.

    The frozen trunk with the head `start` takes part in that choice, judged on the same pictures in the same
    precision. Raises ModelError where the trunk has fewer blocks, CxrError where every loss is not finite.
    """
    start_keras()
    weights = features.weights_of(backbone)
    cut = features.cut_of(backbone)
    recipe = (backbone, train.store.shape[1], weights, features.seed, cut, features.lungs())
    with precision_policy(features.precision):
        trunk = build_trunk(*recipe)
        open_blocks(trunk, backbone, params.fine_tune)
        model = classifier(trunk, start, params)
    train_batches = AugmentedBatches(train, _costs(train, params), params.batch_size, features, params.seed)
    validation_batches = PlainBatches(validation, _costs(validation, params), params.batch_size)
    with bar(params.fine_tune_epochs * len(train_batches), f"fine-tune {backbone}", "step") as advance:
        history, best_epoch = fit(model, train_batches, validation_batches, params, advance)
    if not best_epoch:
        return FineTuned(None, replace(start, history=_continued(start.history, history)))
    exact = build_trunk(*recipe)  # in float32 again: mixed precision keeps its weights so
    exact.set_weights(trunk.get_weights())
    return FineTuned(
        exact,
        replace(
            start,
            head=head_of(model, start, trunk.output_shape[1:]),
            history=_continued(start.history, history),
            best_epoch=len(start.history) + best_epoch,
        ),
    )


def classifier(trunk: Any, start: TrainedHead, params: TrainParams) -> Any:
    """The trunk with the linear head behind it, compiled: pictures to log odds of COVID, float32[n, 1].

    The features are centred and scaled as they were when the head trained (cxr/training/head_training.py). The head is
    in float32, whatever the trunk computes in. One column of log odds is the difference of the two that Dense(2,
    softmax) would have.
    """
    import keras

    kind = start.head.kind
    exact = {"dtype": "float32"}
    gather = keras.layers.Flatten if kind == "flatten" else keras.layers.GlobalAveragePooling2D
    x = gather(name="features", **exact)(trunk.output)
    x = keras.layers.Rescaling(1 / start.length, -start.centre / start.length, name="centred", **exact)(x)
    x = keras.layers.Dropout(params.dropout, seed=params.seed, **exact)(x)
    head = keras.layers.Dense(1, name="log_odds", **exact)
    model = keras.Model(trunk.input, head(x))
    weights = start.head.weights if kind == "flatten" else start.head.weights.sum(axis=(0, 1), dtype=np.float64)
    bias = start.head.bias + weights.reshape(-1).astype(np.float64) @ start.centre
    head.set_weights([weights.reshape(-1, 1) * start.length, np.array([bias])])
    model.compile(
        keras.optimizers.Adam(params.fine_tune_learning_rate),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[accuracy],
    )
    return model


def head_of(model: Any, start: TrainedHead, shape: tuple[int, int, int]) -> Any:
    """The head of a `classifier`, as it takes features that are neither centred nor scaled."""
    kernel, bias = (np.asarray(values, np.float64) for values in model.get_layer("log_odds").get_weights())
    weights = kernel[:, 0] / start.length
    return linear_head(start.head.kind, weights, float(bias[0]) - float(weights @ start.centre), shape)


def accuracy(y: Any, log_odds: Any) -> Any:
    from keras import ops

    return ops.cast(ops.equal(log_odds > 0, y > 0.5), "float32")


def fit(
    model: Any, train: PlainBatches, validation: PlainBatches, params: TrainParams, advance: Any = lambda steps: None
) -> tuple[list[Epoch], int]:
    """Every epoch from 1, and the best one's number, whose weights the model ends with; 0 is the model as it came.

    advance: called with 1 after each step.
    """
    import keras

    seen = keras_dataset(train)
    held_back = keras_dataset(validation)
    best = [model.evaluate(held_back, verbose=0, return_dict=True)["loss"], 0, model.get_weights()]
    history: list[Epoch] = []

    class Record(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            advance(1)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            names = ("loss", "accuracy", "val_loss", "val_accuracy")
            history.append(Epoch(epoch + 1, *(float(logs[name]) for name in names)))
            if history[-1].validation_loss < best[0]:
                # `self.model`, not `model`: on JAX its weights are brought up to date by asking for it.
                best[:] = [history[-1].validation_loss, epoch + 1, self.model.get_weights()]

    model.fit(
        seen,
        validation_data=held_back,
        epochs=params.fine_tune_epochs,
        verbose=0,
        shuffle=False,  # the batches are in random order already
        callbacks=[Record()],
    )
    if not np.isfinite(best[0]):
        raise CxrError("fine-tuning diverged: the validation loss is not finite; lower train.fine_tune_learning_rate")
    model.set_weights(best[2])
    return history, best[1]


def keras_dataset(batches: PlainBatches) -> Any:
    """The batches as a keras.utils.PyDataset, which every backend takes; threads make some ahead of the device.

    Threads and not processes: turning and moving a picture is Pillow's work, which lets others run meanwhile.
    """
    import keras

    class Dataset(keras.utils.PyDataset):
        def __len__(self) -> int:
            return len(batches)

        def __getitem__(self, number: int) -> Any:
            return batches[number]

        def on_epoch_end(self) -> None:
            batches.next_epoch()

    workers = max(2, min(os.cpu_count() or 1, _MOST_WORKERS))
    return Dataset(workers=workers, max_queue_size=2 * workers)


@contextlib.contextmanager
def precision_policy(precision: Chosen) -> Iterator[None]:
    """What Keras layers that are made inside compute in: bfloat16 with float32 weights, or float32.

    precision: of `features.precision`; any other value takes what was measured to be faster
    (docs/performance.md): bfloat16 on a graphics card, and on a processor that has it under TensorFlow, whose
    kernels use it. bfloat16 has float32's range, so that no loss need be scaled, as float16 would want (Micikevicius
    et al. 2018).
    """
    import keras

    before = keras.config.dtype_policy()
    low = precision == "bf16" or (precision != "f32" and _gains_by_bfloat16())
    keras.config.set_dtype_policy("mixed_bfloat16" if low else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _gains_by_bfloat16() -> bool:
    import keras

    return _has_gpu() or (keras.backend.backend() == "tensorflow" and fastest_float() == "bf16")


def _has_gpu() -> bool:
    import keras

    try:
        return bool(keras.distribution.list_devices("gpu"))
    except RuntimeError:  # JAX' way of saying that there is none
        return False


def _costs(split: Split, params: TrainParams) -> np.ndarray:
    return costs([row.label for row in split.rows], [row.source for row in split.rows], params.weighting)


def _continued(frozen: list[Epoch], tuned: list[Epoch]) -> list[Epoch]:
    return [*frozen, *(epoch._replace(epoch=len(frozen) + epoch.epoch) for epoch in tuned)]
