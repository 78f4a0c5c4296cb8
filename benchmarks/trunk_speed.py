"""How fast is the trunk? InceptionV3 by OpenVINO, in each precision of this machine, against Keras on TensorFlow."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ceiling import matrix_products
from benchmarks.measuring import median_wall_s, run_question, turns
from benchmarks.pictures import picture
from benchmarks.real_trunk import export
from cxr.features.quantization import cosines
from cxr.inference.engine import Trunk, trunk_file
from cxr.inference.precision import available
from cxr.networks.backbones import build_trunk

MULTIPLY_ADDS = 5.71e9  # of the convolutions of InceptionV3 at 299 by 299, a picture, counted over the exported model


def measure(image_size: int = 299, batch: int = 32, batches: int = 2, rounds: int = 5) -> dict[str, Any]:
    """Figures of the round of median time; each contestant takes the same pictures in turn."""
    weights = os.environ.get("CXR_WEIGHTS", "random")
    pixels = np.stack([picture(number, image_size) for number in range(batch * batches)])
    keras_trunk = build_trunk("inceptionv3", image_size, weights, 20)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "trunk"
        best, agreement = export(folder, image_size)
        trunks = {precision: Trunk(trunk_file(folder, precision), precision) for precision in available()}
    inputs = pixels[..., None].astype(np.float32)
    pieces = [slice(start, start + batch) for start in range(0, len(pixels), batch)]
    contestants: dict[str, Callable[[], Any]] = {
        "keras_predict": lambda: keras_trunk.predict(inputs, batch_size=batch, verbose=0),
        "keras_call": lambda: [np.asarray(keras_trunk(inputs[piece], training=False)) for piece in pieces],
    }
    for precision, trunk in trunks.items():
        contestants[f"openvino_{precision}"] = partial(trunk.feature_maps, pixels)
    for warm_up in contestants.values():
        warm_up()
    costs = turns(contestants, rounds)
    rates = {name: len(pixels) / median_wall_s(each) for name, each in costs.items()}
    keras_rate = max(rates["keras_predict"], rates["keras_call"])
    expected = contestants["keras_predict"]().reshape(len(pixels), -1)
    floating = [precision for precision in trunks if precision != "int8"]
    return {
        "size": {"image_size": image_size, "batch": batch, "images": len(pixels), "rounds": rounds},
        "weights": "random" if weights == "random" else "pretrained",
        "best_precision": best,
        "images_per_s": rates,
        "ratio_to_keras": {precision: rates[f"openvino_{precision}"] / keras_rate for precision in trunks},
        "gflop_per_s": {name: rate * 2 * MULTIPLY_ADDS * (image_size / 299) ** 2 / 1e9 for name, rate in rates.items()},
        "gflop_per_s_of_a_matrix_product": matrix_products(tuple(floating)),
        "cosine_to_keras": {
            precision: _spread(trunk.feature_maps(pixels), expected) for precision, trunk in trunks.items()
        },
        "eight_bits_and_float32": asdict(agreement) if agreement else None,
    }


def _spread(found: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """Of the cosines of each picture's whole feature map."""
    cosine = cosines(found.reshape(len(found), -1), expected)
    return {"least": float(cosine.min()), "mean": float(cosine.mean())}


if __name__ == "__main__":
    run_question(measure)
