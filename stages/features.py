"""Export one backbone's trunk, and fill its banks: augmented views to train on, plain ones to validate on."""

import sys

from cxr.backbones import weights_identity
from cxr.dataset import Dataset, Side
from cxr.engine import Trunk
from cxr.features import BankSpec, ViewBank, pixel_keys
from cxr.layout import BANK, FEATURES, INDEX, PIXELS, SPLIT
from cxr.parallel import bar
from cxr.params import Backbone, FeaturesParams, load_params
from cxr.stage import run_stage
from cxr.trunks import TrunkSpec, ensure_trunk, specs_of_banks


def main(backbone: Backbone) -> str:
    params = load_params(FeaturesParams, "features")
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    weights = params.weights_of(backbone)
    directory = FEATURES / backbone
    spec = TrunkSpec(backbone, data.pixels.shape[1], weights_identity(weights, params.seed))
    ensure_trunk(spec, weights, params.seed, directory)
    trunk = Trunk(directory / "trunk.xml", params.precision)
    augmented, plain = specs_of_banks(spec, params)
    new = _fill(augmented, data.side("train"), trunk) + _fill(plain, data.side("validation"), trunk)
    return f"{backbone}: {new} images new in the bank, {augmented.views} views each of the training ones"


def _fill(spec: BankSpec, side: Side, trunk: Trunk) -> int:
    bank = ViewBank(BANK, spec, trunk.shape)
    keys = pixel_keys(side.picture, len(side.rows))
    missing = bank.missing(keys)
    with bar(missing * spec.views, f"features {spec.backbone}", "view") as advance:
        return bank.fill(keys, side.picture, trunk, lambda images: advance(images * spec.views))


if __name__ == "__main__":
    run_stage(lambda: main(sys.argv[1]))  # type: ignore[arg-type]
