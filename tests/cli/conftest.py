from pathlib import Path

import pytest
from PIL import Image

from tests.labelled import pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, one of them in a folder of its own; nothing else."""
    (tmp_path / "x-rays" / "more").mkdir(parents=True)
    first, second = pictures(2, image_size=40)
    Image.fromarray(first).save(tmp_path / "x-rays" / "a.png")
    Image.fromarray(second).save(tmp_path / "x-rays" / "more" / "b.jpg")
    return tmp_path / "x-rays"
