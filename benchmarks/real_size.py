"""Make a model of the real size with a random head, to measure time and memory: InceptionV3 at 299 by 299.

python -m benchmarks.real_size FOLDER     (a process of its own, since it needs TensorFlow)
"""

import sys
from pathlib import Path

import numpy as np

from benchmarks.real_trunk import export
from cxr.inference.bundle import write_bundle
from cxr.inference.engine import Trunk, trunk_file
from cxr.inference.head import Head

IMAGE_SIZE = 299
FACTS = {
    "name": "covid-cxr",
    "backbone": "inceptionv3",
    "side": IMAGE_SIZE,
    "classes": ["NonCOVID", "COVID"],
    "temperature": 1.0,
    "threshold": 0.5,
}


def make(folder: Path) -> None:
    """Write the bundle into folder/bundle, with an eight-bit trunk where this machine has the instructions."""
    export(folder / "trunk", IMAGE_SIZE)
    shape = Trunk(trunk_file(folder / "trunk", "f32"), "f32").shape
    weights = np.random.default_rng(7).normal(0, 0.01, shape).astype(np.float32)
    write_bundle(folder / "bundle", folder / "trunk", Head("flatten", weights, 0.0), FACTS)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
