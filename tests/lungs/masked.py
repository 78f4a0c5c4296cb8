"""Settings, lungs and masks for the tests of the lung segmenter."""

from pathlib import Path

import numpy as np

from cxr.augmentation.settings import StrongParams
from cxr.data.manifest import LungMask
from cxr.data.settings import SplitParams
from cxr.evaluation.settings import EvaluateParams
from cxr.lungs.settings import LungsParams

SPLIT = SplitParams(seed=30, test_fraction=0.3, validation_fraction=0.3)
BOOTSTRAP = EvaluateParams(resamples=100, confidence=0.95, prevalence=0.1, seed=20)
MOVING = StrongParams(20, 1.3, 1.2, 0.1, 1, 1, 0, 0)


def params(**changes) -> LungsParams:
    values = {
        "image_size": 32,
        "width": 4,
        "epochs": 2,
        "patience": 9,
        "batch_size": 8,
        "learning_rate": 0.01,
        "seed": 1,
    }
    return LungsParams(**{**values, "augmentation": MOVING, **changes})


def masks_under(raw: Path) -> list[LungMask]:
    """The masks of the collection, as its source names them."""
    files = sorted((raw / "covid/masks").iterdir())
    return [
        LungMask(f"covid/masks/{file.name}", "covid", f"covid/images/{file.name.split('_mask')[0]}.jpg")
        for file in files
    ]


def lungs(rng: np.random.Generator, image_size: int) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : image_size * 1j, -1 : 1 : image_size * 1j]
    centres = rng.uniform(0.35, 0.5, 2) * (-1, 1)
    height, width = rng.uniform(0.4, 0.6), rng.uniform(0.2, 0.3)
    return np.any([((x - c) / width) ** 2 + (y / height) ** 2 < 1 for c in centres], axis=0)
