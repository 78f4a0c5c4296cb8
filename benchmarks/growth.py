"""What do a few more patients cost? A view bank filled with the real trunk, then grown by a tenth."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import cost_of, run_question
from benchmarks.real_trunk import export
from cxr.augmentation.photometric import UNCHANGED
from cxr.augmentation.settings import AugmentationParams
from cxr.features.feature_cache import BankSpec, ViewBank
from cxr.features.row_store import pixel_keys
from cxr.inference.engine import Trunk, trunk_file

AUGMENTATION = AugmentationParams(rotation_degrees=20, shift_fraction=0.2, horizontal_flip=True, exposure=UNCHANGED)


def measure(images: int = 40, more: float = 0.1, views: int = 10, side: int = 299) -> dict[str, Any]:
    """share: of the time to fill the grown bank from nothing, that growing takes. views_per_s: what filling achieves,
    the drawing of the views included; the scales' pass over the first images is left out, a real bank has it once."""
    pixels = np.random.default_rng(3).integers(0, 256, (images, side, side), np.uint8)
    grown = np.concatenate([pixels, 255 - pixels[: max(1, round(images * more))]])
    with tempfile.TemporaryDirectory() as name:
        precision, _ = export(Path(name) / "trunk", side)
        trunk = Trunk(trunk_file(Path(name) / "trunk", precision), precision)
        spec = BankSpec("inceptionv3", "bench", side, precision, views, 20, AUGMENTATION)
        bank = ViewBank(Path(name) / "bank", spec, trunk.shape)
        _fill(bank, pixels[:1], trunk)  # kernels and scales
        first = cost_of(lambda: _fill(bank, pixels, trunk))
        added = cost_of(lambda: _fill(bank, grown, trunk))
    per_image = first.wall_s / (images - 1)
    return {
        "size": {"images": images, "more": len(grown) - images, "views": views, "side": side},
        "precision": precision,
        "fill_s": first.wall_s,
        "grow_s": added.wall_s,
        "share": added.wall_s / (per_image * len(grown)),
        "views_per_s": views / per_image,
        "cpu_ms_per_view": 1000 * first.cpu_s / (images - 1) / views,
    }


def _fill(bank: ViewBank, pixels: np.ndarray, trunk: Trunk) -> None:
    bank.fill(pixel_keys(pixels.__getitem__, len(pixels)), pixels.__getitem__, trunk)


if __name__ == "__main__":
    run_question(measure)
