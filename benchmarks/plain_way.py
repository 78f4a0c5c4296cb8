"""How long is a step of the plain way? Keras' `fit` on pictures with augmentation layers over a frozen trunk, float32.

A few steps are timed after a warm-up. The pictures are in memory, decoded. The original reads them again in every
epoch, which is slower.
"""

import os
import statistics
import time
from typing import Any

import numpy as np

from benchmarks.measuring import run_question

WARM_UP_STEPS = 3


def measure(image_size: int = 299, batch: int = 32, steps: int = 8) -> dict[str, Any]:
    import keras

    model = build(image_size)
    ends: list[float] = []
    timed = keras.callbacks.LambdaCallback(on_train_batch_end=lambda number, logs: ends.append(time.perf_counter()))
    count = batch * (WARM_UP_STEPS + steps)
    rng = np.random.default_rng(2)
    x = rng.integers(0, 256, (count, image_size, image_size, 3), np.uint8)
    model.fit(x, np.arange(count) % 2, batch_size=batch, epochs=1, verbose=0, callbacks=[timed])
    took = np.diff(ends[WARM_UP_STEPS - 1 :]).tolist()
    return {
        "size": {"image_size": image_size, "batch": batch, "timed_steps": len(took)},
        "step_s": took,
        "images_per_s": batch / statistics.median(took),
    }


def build(image_size: int) -> Any:
    """As Keras' own guide to transfer learning has it, with the original's augmentation and head."""
    import keras

    base = keras.applications.InceptionV3(
        include_top=False, weights=os.environ.get("CXR_WEIGHTS"), input_shape=(image_size, image_size, 3)
    )
    base.trainable = False
    model = keras.Sequential(
        [
            keras.Input((image_size, image_size, 3)),
            keras.layers.RandomRotation(20 / 360, fill_mode="nearest"),
            keras.layers.RandomTranslation(0.2, 0.2, fill_mode="nearest"),
            keras.layers.RandomFlip("horizontal"),
            keras.layers.Rescaling(1 / 127.5, -1),
            base,
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


if __name__ == "__main__":
    run_question(measure)
