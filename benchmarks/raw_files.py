"""How fast do raw files become an index, a split and a pixel store? JPEGs of 448 pixels, or the files of a mirror."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measuring import Cost, median_cpu_s, median_wall_s, run_question, turns
from benchmarks.pictures import save_phantoms
from cxr.data.manifest import ImageRow
from cxr.data.pixel_store import write_pixels
from cxr.data.settings import SplitParams
from cxr.data.splits import assign_splits
from cxr.sources.index import build_index
from cxr.sources.kaggle_pneumonia import KagglePneumoniaParams
from cxr.sources.settings import DownloadParams

SPLIT = SplitParams(seed=20, test_fraction=0.2, validation_fraction=0.15)


class Files:
    """The three steps over the files of `params` under `raw`; the others take the rows of the first."""

    def __init__(self, params: DownloadParams, raw: Path, image_size: int, store: Path):
        self._params = params
        self._raw = raw
        self._image_size = image_size
        self._store = store
        self.rows: list[ImageRow] = []

    def index(self) -> None:
        self.rows = build_index(self._params, self._raw).images

    def split(self) -> None:
        assign_splits(self.rows, [], SPLIT)

    def pixels(self) -> None:
        write_pixels(self.rows, self._raw, self._image_size, self._store)

    @property
    def steps(self) -> dict[str, Callable[[], None]]:
        return {"index": self.index, "split": self.split, "pixels": self.pixels}


def measure(images: int = 1000, file_size: int = 448, image_size: int = 299, rounds: int = 3) -> dict[str, Any]:
    """Rates of the round of median time. cpu_ms_per_image: processor time of all processes, which does not depend on
    other work on the machine."""
    with tempfile.TemporaryDirectory() as name:
        raw = Path(name) / "raw"
        mirror = os.environ.get("CXR_MIRROR")
        params = _of_mirror(Path(mirror), raw) if mirror else save_phantoms(raw, range(images), file_size)
        files = Files(params, raw, image_size, Path(name) / "pixels.npy")
        files.index()  # the first look fills the operating system's cache: what is measured is not the disk
        costs = turns(files.steps, rounds)
    count = len(files.rows)
    together = [
        Cost(sum(c.wall_s for c in each), sum(c.cpu_s for c in each)) for each in zip(*costs.values(), strict=True)
    ]
    costs["together"] = together
    return {
        "size": {
            "images": count,
            "file_size": None if mirror else file_size,
            "image_size": image_size,
            "rounds": rounds,
        },
        "files": "a mirror's" if mirror else "phantoms",
        "images_per_s": {name: count / median_wall_s(each) for name, each in costs.items()},
        "cpu_ms_per_image": {name: 1000 * median_cpu_s(each) / count for name, each in costs.items()},
    }


def _of_mirror(mirror: Path, raw: Path) -> DownloadParams:
    """The Kaggle collection of a mirror, linked into `raw`."""
    raw.mkdir(parents=True)
    (raw / "kaggle").symlink_to(mirror.resolve() / "chest-xray-pneumonia")
    return DownloadParams({"kaggle": KagglePneumoniaParams("kaggle_pneumonia", str(mirror), ("NonCOVID",), 2)}, {})


if __name__ == "__main__":
    run_question(measure)
