"""One real training step on Keras' backend of the environment; what came out, as JSON. Run by test_fine_tuning.py.

python -m tests.one_step FOLDER
"""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cxr.inference.engine import Trunk
from cxr.inference.head import Head
from cxr.networks.backbones import build_trunk, leaves, open_blocks
from cxr.networks.keras_export import export_trunk, start_keras
from cxr.training.batches import PlainBatches
from cxr.training.fine_tuning import classifier, keras_dataset
from cxr.training.head_training import TrainedHead
from tests.labelled import labelled_split
from tests.training.head_examples import PARAMS

SIDE = 32


def main(folder: Path) -> dict[str, Any]:
    start_keras()
    import keras

    trunk = build_trunk("resnet50", SIDE, "random", 3)
    open_blocks(trunk, "resnet50", 1)
    shape = trunk.output_shape[1:]
    weights = np.random.default_rng(1).normal(0, 0.01, shape).astype(np.float32)
    start = TrainedHead(Head("flatten", weights, 0.1), [], 0, np.ones(math.prod(shape), np.float32), 2.0)
    model = classifier(trunk, start, replace(PARAMS, fine_tune_learning_rate=0.01))
    before = values(trunk, model)
    pictures = labelled_split(8, SIDE, seed=1)
    batches = PlainBatches(pictures, np.ones(8, np.float32), 8)
    losses = model.fit(keras_dataset(batches), verbose=0).history["loss"]
    after = values(trunk, model)
    export_trunk(trunk, folder)
    expected = np.asarray(keras.ops.convert_to_numpy(trunk(pictures.pixels[..., None].astype(np.float32))))
    found = Trunk(folder / "trunk.xml", threads=1)(pictures.pixels)
    return {
        "backend": keras.backend.backend(),
        "losses": losses,
        "moved": [name for name in before if (before[name] != after[name]).any()],
        "still": [name for name in before if (before[name] == after[name]).all()],
        "error_of_the_export": float(np.abs(found - expected).max() / np.abs(expected).max()),
    }


def values(trunk: Any, model: Any) -> dict[str, np.ndarray]:
    """Every weight by the names of its layer and of itself."""
    layers = [*leaves(trunk), model.get_layer("log_odds")]
    named = {f"{layer.name}/{weight.name}": weight for layer in layers for weight in layer.weights}
    import keras

    return {name: np.array(keras.ops.convert_to_numpy(weight)) for name, weight in named.items()}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
