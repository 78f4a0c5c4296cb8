"""How fast is fine-tuning, and does the input keep up? Training steps of InceptionV3's last blocks, end to end.

Contestants: the same batch in every step (the device's speed without any input), augmented views made by a PyDataset's
threads, by a PyDataset between the steps, and by tf.data; and the best input in bfloat16. The device's wait for data is
what a step takes longer than with the same batch.
"""

import math
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from benchmarks.growth import AUGMENTATION
from benchmarks.measuring import run_question
from benchmarks.pictures import picture
from cxr.common.labels import CLASSES
from cxr.data.dataset import Split
from cxr.data.manifest import ImageRow
from cxr.features.settings import FeaturesParams
from cxr.inference.head import Head
from cxr.networks.backbones import build_trunk, open_blocks
from cxr.networks.keras_export import start_keras
from cxr.training.batches import AugmentedBatches, Batch
from cxr.training.fine_tuning import classifier, keras_dataset, precision_policy
from cxr.training.head_training import TrainedHead
from cxr.training.settings import TrainParams

SKIPPED_STEPS = 2  # the first steps compile, and their batches are ready
BACKBONE = "inceptionv3"
PARAMS = TrainParams("average", 0.5, 0.003, 0.0, 32, 1, "none", 0.0, 20, 0.9, 1, 1, 1e-5, (BACKBONE,))


def measure(
    image_size: int = 299, cut: str = "mixed5", blocks: int = 2, batch: int = 16, steps: int = 6, rounds: int = 2
) -> dict[str, Any]:
    """Median step of each contestant over all rounds; they take turns, and see the same batches."""
    start_keras()
    import keras

    features = FeaturesParams(
        10, 20, "f32", AUGMENTATION, {BACKBONE: os.environ.get("CXR_WEIGHTS", "random")}, {}, {}, "data/pixels.npy"
    )
    split = _training_split(batch * (steps + SKIPPED_STEPS), image_size)
    batches = AugmentedBatches(split, np.ones(10**6, np.float32), batch, features, 20)
    exact, low = (_model(image_size, cut, blocks, features, precision) for precision in ("f32", "bf16"))
    contestants = _contestants(exact, low, batches)
    step_s: dict[str, list[float]] = {name: [] for name in contestants}
    cpu_s: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, (model, made) in contestants.items():
            wall, cpu = _steps(model, made())
            step_s[name] += wall
            cpu_s[name] += cpu
    median = {name: statistics.median(each) for name, each in step_s.items()}
    return {
        "size": {"image_size": image_size, "cut": cut, "blocks": blocks, "batch": batch, "timed_steps": steps * rounds},
        "backend": keras.backend.backend(),
        "images_per_s": {name: batch / each for name, each in median.items()},
        "cpu_ms_per_image": {name: 1000 * statistics.median(each) / batch for name, each in cpu_s.items()},
        "share_of_time_waiting": {
            name: max(0.0, 1 - median[f"one_batch_{name.rsplit('_', 1)[1]}"] / each) for name, each in median.items()
        },
        "views_per_s_and_thread": _views_per_s(batches),
    }


def _contestants(exact: Any, low: Any, batches: AugmentedBatches) -> dict[str, tuple[Any, Callable[[], Any]]]:
    """A model and a maker of its input, by name. exact, low: the model in float32 and in bfloat16."""
    import keras

    contestants: dict[str, tuple[Any, Callable[[], Any]]] = {
        "one_batch_f32": (exact, lambda: _again(batches[0], len(batches))),
        "py_dataset_threads_f32": (exact, lambda: keras_dataset(batches)),
        "py_dataset_in_line_f32": (exact, lambda: _in_line(batches)),
        "one_batch_bf16": (low, lambda: _again(batches[0], len(batches))),
        "py_dataset_threads_bf16": (low, lambda: keras_dataset(batches)),
    }
    if keras.backend.backend() == "tensorflow":
        contestants["tf_data_f32"] = (exact, lambda: _tf_data(batches, exact.input_shape[1]))
    return contestants


def _training_split(count: int, image_size: int) -> Split:
    blank = {field.name: "" for field in fields(ImageRow)} | {
        "width": image_size,
        "height": image_size,
        "role": "train",
        "view": "PA",
    }
    rows = [ImageRow(**blank | {"path": f"{i}.png", "label": CLASSES[i % 2]}) for i in range(count)]  # type: ignore[arg-type]
    return Split(rows, np.arange(count), np.stack([picture(i, image_size) for i in range(count)]))


def _model(image_size: int, cut: str, blocks: int, features: FeaturesParams, precision: Any) -> Any:
    with precision_policy(precision):
        trunk = build_trunk(BACKBONE, image_size, features.weights[BACKBONE], features.seed, cut)  # type: ignore[arg-type]
        open_blocks(trunk, BACKBONE, blocks)  # type: ignore[arg-type]
        shape = trunk.output_shape[1:]
        start = TrainedHead(Head("average", np.zeros(shape, np.float32), 0.0), [], 0, np.zeros(shape[2]), 1.0)
        return classifier(trunk, start, replace(PARAMS, fine_tune=blocks))


def _steps(model: Any, data: Any) -> tuple[list[float], list[float]]:
    """Seconds of each timed step, on the clock and of processor time."""
    import keras

    wall: list[float] = []
    cpu: list[float] = []

    def ended(number: int, logs: Any) -> None:
        wall.append(time.perf_counter())
        cpu.append(time.process_time())

    timed = keras.callbacks.LambdaCallback(on_train_batch_end=ended)
    model.fit(data, epochs=1, verbose=0, shuffle=False, callbacks=[timed])
    return tuple(np.diff(each[SKIPPED_STEPS - 1 :]).tolist() for each in (wall, cpu))  # type: ignore[return-value]


def _again(batch: Batch, times: int) -> Any:
    import keras

    class Same(keras.utils.PyDataset):
        def __len__(self) -> int:
            return times

        def __getitem__(self, number: int) -> Any:
            return batch

    return Same()


def _in_line(batches: AugmentedBatches) -> Any:
    import keras

    class InLine(keras.utils.PyDataset):
        def __len__(self) -> int:
            return len(batches)

        def __getitem__(self, number: int) -> Any:
            return batches[number]

    return InLine()


def _tf_data(batches: AugmentedBatches, image_size: int) -> Any:
    import tensorflow as tf

    def made(number: Any) -> Any:
        x, y, cost = tf.numpy_function(lambda i: batches[int(i)], [number], (tf.uint8, tf.float32, tf.float32))
        x.set_shape((None, image_size, image_size, 1))
        y.set_shape((None, 1))
        cost.set_shape((None,))
        return x, y, cost

    counted = tf.data.Dataset.range(len(batches))
    return counted.map(made, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _views_per_s(batches: AugmentedBatches) -> float:
    took = []
    for number in range(min(3, len(batches))):
        started = time.thread_time()
        made = len(batches[number][0])
        took.append((time.thread_time() - started) / made)
    return 1 / max(statistics.median(took), math.ulp(1.0))


if __name__ == "__main__":
    run_question(measure)
