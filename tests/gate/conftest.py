import numpy as np
import pytest
from PIL import Image

from cxr.gate.dataset import GateDataset, joined
from cxr.inference.gate import FRONTAL
from cxr.sources.synthetic.radiograph import radiograph
from tests.gate.made import PICTURE_SIDE, material_of


@pytest.fixture(scope="module")
def phantoms() -> GateDataset:
    """Eighty phantoms as frontal pictures; as lateral views, half of each, stretched: the far side's is missing."""
    pictures = np.stack([radiograph(3, i, 1, image_size=PICTURE_SIDE, covid=i % 2 == 0) for i in range(80)])
    splits = ["train"] * 40 + ["validation"] * 20 + ["test"] * 20
    half = np.stack([np.asarray(Image.fromarray(p[:, 32:]).resize((64, 64))) for p in pictures[::4]])
    frontal = material_of(pictures, FRONTAL, splits, "phantom")
    lateral = material_of(half, "lateral", splits[::4], "phantom")
    return joined(frontal, lateral)
