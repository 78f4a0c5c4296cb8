"""The two banks that a training reads, opened and complete."""

from pathlib import Path

from cxr.dataset import Side
from cxr.engine import Trunk
from cxr.features import BankSpec, ViewBank, pixel_keys
from cxr.parallel import bar
from cxr.params import FeaturesParams
from cxr.trunks import read_shape, read_trunk_spec, specs_of_banks


def filled_banks(
    trunk: Path, train: Side, validation: Side, params: FeaturesParams, root: Path
) -> tuple[ViewBank, ViewBank, int]:
    """Augmented views of the training images, plain ones of the validation images, and how many images were new.

    trunk: the folder that `ensure_trunk` made. Whoever needs a bank completes it: the banks are not DVC's, so a
    fresh clone that pulled everything else does not have them.
    """
    specs = specs_of_banks(read_trunk_spec(trunk), params)
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
        compiled = Trunk(trunk / "trunk.xml", params.precision)
        return bank.fill(keys, side.picture, compiled, lambda images: advance(images * spec.views))
