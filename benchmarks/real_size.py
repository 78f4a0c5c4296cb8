"""A model of the real size with random weights, for measuring time and memory: InceptionV3 at 299 by 299.

python -m benchmarks.real_size FOLDER     (a process of its own, since it needs TensorFlow)
"""

import sys
from pathlib import Path

import numpy as np

from cxr.bundle import write_bundle
from cxr.engine import Trunk
from cxr.head import Head
from cxr.trunks import TrunkSpec, ensure_trunk

SIDE = 299
FACTS = {
    "name": "covid-cxr",
    "backbone": "inceptionv3",
    "side": SIDE,
    "classes": ["NonCOVID", "COVID"],
    "temperature": 1.0,
    "threshold": 0.5,
}


def make(folder: Path) -> None:
    """Leave the bundle in folder/bundle."""
    ensure_trunk(TrunkSpec("inceptionv3", SIDE, "random-7"), "random", 7, folder / "trunk")
    shape = Trunk(folder / "trunk" / "trunk.xml").shape
    weights = np.random.default_rng(7).normal(0, 0.01, shape).astype(np.float32)
    write_bundle(folder / "bundle", folder / "trunk", Head("flatten", weights, 0.0), FACTS)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
