"""Make many different X-ray pictures on disk at low cost: phantoms drawn small, enlarged, saved as JPEG."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from cxr.sources.folder import FolderParams
from cxr.sources.settings import DownloadParams
from cxr.sources.synthetic.radiograph import radiograph

_DRAWN_SIZE = 96  # drawing is not measured; grain makes the files as large as those of films
_GRAIN = 4
_QUALITY = 90
CLASSES = ("covid", "other")


def save_phantoms(raw: Path, numbers: range, image_size: int) -> DownloadParams:
    """raw/own/<class>/p<number>.jpg, one patient each; returns the section of params that reads them."""
    for name in CLASSES:
        (raw / "own" / name).mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:
        for _ in pool.map(partial(_save, raw, image_size), numbers, chunksize=16):
            pass
    return downloads()


def downloads() -> DownloadParams:
    labels = {"covid": "COVID", "other": "NonCOVID"}
    own = FolderParams("folder", "unused: the files are in place", labels, r"^(p\d+)", ("COVID", "NonCOVID"))  # type: ignore[arg-type]
    return DownloadParams({"own": own}, {})


def picture(number: int, image_size: int) -> np.ndarray:
    """uint8[size, size], another patient for each number."""
    small = radiograph(20, number, 1, image_size=min(image_size, _DRAWN_SIZE), covid=number % 2 == 0)
    large = np.asarray(Image.fromarray(small).resize((image_size, image_size), Image.Resampling.BICUBIC), np.float32)
    grain = np.random.default_rng(number).standard_normal(large.shape, np.float32) * _GRAIN
    return np.clip(large + grain, 0, 255).astype(np.uint8)


def _save(raw: Path, image_size: int, number: int) -> None:
    file = raw / "own" / CLASSES[number % 2] / f"p{number:06d}.jpg"
    Image.fromarray(picture(number, image_size)).save(file, quality=_QUALITY)
