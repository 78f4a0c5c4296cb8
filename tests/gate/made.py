"""Settings and made-up pictures for the tests of the gate."""

import numpy as np

from cxr.augmentation.settings import StrongParams
from cxr.data.settings import SplitParams
from cxr.gate.dataset import GateDataset
from cxr.gate.settings import GateParams

SPLIT = SplitParams(seed=20, test_fraction=0.3, validation_fraction=0.3)
DISTORTION = StrongParams(8, 1.15, 1.1, 0.06, 1.3, 1.2, 0.1, 0.02)
PARAMS = GateParams(
    networks=2,
    hidden=32,
    epochs=30,
    weight_decay=0.01,
    versions=200,
    false_refusals=0.02,
    folds=2,
    seed=20,
    augmentation=DISTORTION,
)
PICTURE_SIDE = 64


def material_of(pictures: np.ndarray, kind: str, splits: list[str], name: str) -> GateDataset:
    n = len(pictures)
    patients = np.array([f"{name}/{i}" for i in range(n)], object)
    return GateDataset(pictures, np.full(n, kind, object), np.full(n, name, object), patients, np.array(splits, object))
