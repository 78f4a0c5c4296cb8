"""How fast is the trunk? InceptionV3 by OpenVINO, in float32 and in the best precision, against Keras on TensorFlow."""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ceiling import matrix_products
from benchmarks.measuring import median_wall_s, run_question, turns
from benchmarks.pictures import picture
from cxr.backbones import build_trunk, export_trunk
from cxr.engine import Trunk, resolved

MULTIPLY_ADDS = 5.71e9  # of the convolutions of InceptionV3 at 299 by 299, a picture, counted over the exported model


def measure(side: int = 299, batch: int = 32, batches: int = 2, rounds: int = 5) -> dict[str, Any]:
    """Figures of the round of median time; each contestant takes the same pictures in turn."""
    weights = os.environ.get("CXR_WEIGHTS", "random")
    pixels = np.stack([picture(number, side) for number in range(batch * batches)])
    started = time.perf_counter()
    keras_trunk = build_trunk("inceptionv3", side, weights, 20)
    with tempfile.TemporaryDirectory() as name:
        export_trunk(keras_trunk, Path(name))
        export_s = time.perf_counter() - started
        exact, best = (Trunk(Path(name) / "trunk.xml", precision) for precision in ("f32", "auto"))  # type: ignore[arg-type]
    inputs = pixels[..., None].astype(np.float32)
    pieces = [slice(start, start + batch) for start in range(0, len(pixels), batch)]
    contestants = {
        "keras_predict": lambda: keras_trunk.predict(inputs, batch_size=batch, verbose=0),
        "keras_call": lambda: [np.asarray(keras_trunk(inputs[piece], training=False)) for piece in pieces],
        "openvino_f32": lambda: exact.feature_maps(pixels),
        "openvino_best": lambda: best.feature_maps(pixels),
    }
    for warm_up in contestants.values():
        warm_up()
    costs = turns(contestants, rounds)
    rates = {name: len(pixels) / median_wall_s(each) for name, each in costs.items()}
    keras_rate = max(rates["keras_predict"], rates["keras_call"])
    agreement = _cosines(contestants["openvino_best"](), contestants["keras_predict"]())
    return {
        "size": {"side": side, "batch": batch, "images": len(pixels), "rounds": rounds},
        "weights": "random" if weights == "random" else "pretrained",
        "best_precision": resolved("auto"),
        "keras_start_and_export_s": export_s,
        "images_per_s": rates,
        "ratio_to_keras": {name: rates[name] / keras_rate for name in ("openvino_f32", "openvino_best")},
        "gflop_per_s": {name: rate * 2 * MULTIPLY_ADDS * (side / 299) ** 2 / 1e9 for name, rate in rates.items()},
        "gflop_per_s_of_a_matrix_product": matrix_products(tuple(dict.fromkeys(("f32", resolved("auto"))))),
        "cosine_best_to_keras": {"least": float(agreement.min()), "mean": float(agreement.mean())},
    }


def _cosines(found: Any, expected: Any) -> np.ndarray:
    """float64[n], of each picture's whole feature map."""
    a, b = (np.asarray(maps, np.float64).reshape(len(maps), -1) for maps in (found, expected))
    return (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


if __name__ == "__main__":
    run_question(measure)
