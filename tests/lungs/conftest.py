from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr.data.dataset import Dataset
from cxr.data.splits import split_of_patient
from tests.lungs.masked import SPLIT, lungs
from tests.rows import image_row


@pytest.fixture
def collection(tmp_path: Path) -> tuple[Dataset, Path]:
    """Sixteen patients' pictures: dark lungs on grey, with masks at another size than the pictures."""
    rows, pictures = [], []
    folder = tmp_path / "raw/covid/masks"
    folder.mkdir(parents=True)
    for i in range(16):
        mask = lungs(np.random.default_rng(i), 48)
        Image.fromarray(mask.astype(np.uint8) * 255).resize((96, 72)).save(folder / f"p{i}_mask.png")
        pictures.append(np.where(mask, 40, 190).astype(np.uint8))
        rows.append(image_row(f"covid/images/p{i}.jpg", source="covid", patient=f"covid/{i}"))
    split_of = {row.path: split_of_patient(row.patient, SPLIT) for row in rows}
    return Dataset(rows, split_of, np.stack(pictures)), tmp_path / "raw"
