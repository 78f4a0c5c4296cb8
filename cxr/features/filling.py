"""The two banks that a training reads, opened and complete, and the eight-bit trunk that fills them fastest."""

from pathlib import Path

import numpy as np

from cxr.augmentation.geometric import view, view_rng
from cxr.common.parallel import bar
from cxr.data.dataset import Side
from cxr.features.feature_cache import BankSpec, ViewBank
from cxr.features.quantization import CALIBRATION_VIEWS, COMPARED_PICTURES, ensure_int8
from cxr.features.row_store import pixel_keys
from cxr.features.settings import FeaturesParams
from cxr.features.trunks import read_shape, running_precision, specs_of_banks
from cxr.inference.engine import Trunk, trunk_file
from cxr.inference.precision import available


def ensure_eight_bits(trunk: Path, train: Side, validation: Side, params: FeaturesParams) -> None:
    """Leave an eight-bit twin beside the trunk, where this machine profits and the params allow it: its ranges from
    views of training images, its agreement with float32 from views of validation images."""
    if params.precision == "int8" or (params.precision == "auto" and "int8" in available()):
        compared = np.stack(_some_views(validation, COMPARED_PICTURES, params))
        ensure_int8(trunk, _some_views(train, CALIBRATION_VIEWS, params), compared)


def _some_views(side: Side, most: int, params: FeaturesParams) -> list[np.ndarray]:
    """One view each, of images spread over the side."""
    some = np.unique(np.linspace(0, len(side.rows) - 1, most).round().astype(int))
    return [view(side.picture(i), params.augmentation, view_rng(params.seed, side.rows[i].path, 0)) for i in some]


def filled_banks(
    trunk: Path, train: Side, validation: Side, params: FeaturesParams, root: Path
) -> tuple[ViewBank, ViewBank, int]:
    """Augmented views of the training images, plain ones of the validation images, and how many images were new.

    trunk: the folder that `ensure_trunk` made. Whoever needs a bank completes it: the banks are not DVC's, so a
    fresh clone that pulled everything else does not have them.
    """
    specs = specs_of_banks(trunk, params)
    shape = read_shape(trunk)
    augmented, plain = (ViewBank(root, spec, shape) for spec in specs)
    new = _fill(augmented, train, trunk, params) + _fill(plain, validation, trunk, params)
    return augmented, plain, new


def _fill(bank: ViewBank, side: Side, trunk: Path, params: FeaturesParams) -> int:
    keys = pixel_keys(side.picture, len(side.rows))
    missing = bank.missing(keys)
    if not missing:
        return 0
    spec: BankSpec = bank.spec
    with bar(missing * spec.views, f"features {spec.backbone}", "view") as advance:
        precision = running_precision(trunk, params.precision)
        compiled = Trunk(trunk_file(trunk, precision), precision)
        return bank.fill(keys, side.picture, compiled, lambda images: advance(images * spec.views))
