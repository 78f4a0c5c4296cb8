"""A small U-Net (Ronneberger et al. 2015) that finds the lungs: built and fitted in Keras, exported to OpenVINO.

It owns its scaling: grey pixels from 0 to 255 come in, and each picture is brought to mean 0 and deviation 1, so
that brightness and contrast tell it little.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cxr.common.atomic_files import read_json, write_json
from cxr.common.errors import ModelError
from cxr.inference.lung_segmenter import FILE, SHAPE, WEIGHTS
from cxr.networks.keras_export import export_trunk, start_keras

SEGMENTER = "lung_segmenter"  # the network's name, by which it is known inside a trunk that looks at the lungs

DEPTH = 4  # halvings: at a side of 64 the lowest level sees 4 x 4
SIDE_MULTIPLE = 2**DEPTH

# Pictures and masks, float32[n, size, size, 1] of 0..255 and of 0 or 1.
Pairs = tuple[np.ndarray, np.ndarray]


def build(image_size: int, width: int, seed: int) -> Any:
    """A keras.Model: float32[n, size, size, 1] in 0..255 to the probability of lung, [n, size, size, 1].

    width: filters of the first level; each level down has twice as many, to 8 times at most. On the way down a level
    has two convolutions, on the way up one: the second costs a sixth of the time, and Dice was no better for it.
    """
    start_keras()
    import keras

    keras.utils.set_random_seed(seed)
    pixels = keras.Input((image_size, image_size, 1))
    mean = keras.ops.mean(pixels, axis=(1, 2, 3), keepdims=True)
    deviation = keras.ops.std(pixels, axis=(1, 2, 3), keepdims=True)
    x = (pixels - mean) / (deviation + 1.0)
    filters = [width * min(2**level, 8) for level in range(DEPTH + 1)]
    skips = []
    for level in filters[:-1]:
        x = _block(x, level, 2)
        skips.append(x)
        x = keras.layers.MaxPooling2D()(x)
    x = _block(x, filters[-1], 2)
    for level, skip in zip(filters[-2::-1], skips[::-1], strict=True):
        x = keras.layers.UpSampling2D(interpolation="bilinear")(x)
        x = _block(keras.layers.Concatenate()([x, skip]), level, 1)
    return keras.Model(pixels, keras.layers.Conv2D(1, 1, activation="sigmoid")(x), name=SEGMENTER)


def _block(x: Any, filters: int, convolutions: int) -> Any:
    import keras

    for _ in range(convolutions):
        x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)  # few steps an epoch: 0.99 would lag behind
        x = keras.layers.ReLU()(x)
    return x


@dataclass(frozen=True)
class Fit:
    """history: one row per epoch: epoch, loss, validation_loss, validation_dice. best_epoch: counts from 1."""

    history: list[dict[str, float]]
    best_epoch: int


def fit(
    model: Any,
    draw: Callable[[int], Pairs],
    validation: Pairs,
    *,
    epochs: int,
    patience: int,
    batch_size: int,
    learning_rate: float,
) -> Fit:
    """Train with Adam on a cosine schedule; the model ends with the weights of the epoch of the best validation Dice.

    draw: the pairs of one epoch, by its number from 0; equally many each time. patience: epochs without a better
    one before it stops.
    """
    import keras

    steps = epochs * -(-len(draw(0)[0]) // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), loss=_dice_and_cross_entropy, metrics=[_dice])
    history: list[dict[str, float]] = []
    best = 0
    weights = model.get_weights()
    for epoch in range(epochs):
        order = np.random.default_rng(epoch).permutation
        loss, _ = _one_pass(model, model.train_on_batch, draw(epoch), batch_size, order)
        known, dice = _one_pass(model, model.test_on_batch, validation, batch_size, np.arange)
        history.append({"epoch": epoch + 1, "loss": loss, "validation_loss": known, "validation_dice": dice})
        if epoch == 0 or dice > history[best]["validation_dice"]:
            best = epoch
            weights = model.get_weights()
        if epoch - best >= patience:
            break
    model.set_weights(weights)
    return Fit(history, best + 1)


def _one_pass(
    model: Any, step: Callable[..., Any], pairs: Pairs, batch_size: int, order: Callable[[int], np.ndarray]
) -> tuple[float, float]:
    """Mean loss and mean Dice over all pairs. Plain steps: a `model.fit` for each epoch would build its input
    pipeline anew each time."""
    x, y = pairs
    sums = np.zeros(2)
    for batch in np.array_split(order(len(x)), -(-len(x) // batch_size)):
        sums += len(batch) * np.array(step(x[batch], y[batch]), np.float64)  # of this batch alone: Keras resets them
    loss, dice = sums / len(x)
    return float(loss), float(dice)


def _dice_and_cross_entropy(truth: Any, probability: Any) -> Any:
    """Cross-entropy judges every pixel, one minus the soft Dice (Milletari et al. 2016) the overlap of each picture,
    whatever share of it the lungs take: (n,)."""
    from keras import losses, ops

    axes = (1, 2, 3)
    overlap = 2 * ops.sum(truth * probability, axes) + 1
    return (
        ops.mean(losses.binary_crossentropy(truth, probability), (1, 2))
        + 1
        - overlap / (ops.sum(truth, axes) + ops.sum(probability, axes) + 1)
    )


def _dice(truth: Any, probability: Any) -> Any:
    """Dice of each picture at a threshold of 0.5: (n,)."""
    from keras import ops

    axes = (1, 2, 3)
    found = ops.cast(probability >= 0.5, "float32")
    return (2 * ops.sum(truth * found, axes) + 1) / (ops.sum(truth, axes) + ops.sum(found, axes) + 1)


def export(model: Any, directory: Path) -> None:
    """Write lungs.xml and lungs.bin, uint8[n, size, size, 1] to the probability of lung, into `directory`; and what
    `load` needs to have the Keras model again."""
    export_trunk(model, directory)
    for suffix in (".bin", ".xml"):
        (directory / "trunk").with_suffix(suffix).replace((directory / FILE).with_suffix(suffix))
    first = next(layer for layer in model.layers if layer.name.startswith("conv2d"))
    write_json({"image_size": model.input_shape[1], "width": first.filters}, directory / SHAPE)
    model.save_weights(directory / WEIGHTS)


def load(directory: Path) -> Any:
    """The frozen keras.Model that `export` wrote. Raises ModelError where there is none."""
    if not (directory / WEIGHTS).is_file():
        raise ModelError(
            f"{directory} holds no lung segmenter: no source brought lung masks to train one with; "
            "set features.focus to data/pixels.npy, the whole picture"
        )
    model = build(**read_json(directory / SHAPE), seed=0)
    model.load_weights(directory / WEIGHTS)
    model.trainable = False  # normalises by what it learned, not by the batch at hand
    return model
