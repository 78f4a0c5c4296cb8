"""Export one backbone's trunk, and fill its banks: augmented views to train on, plain ones to validate on."""

import sys

from cxr.backbones import weights_identity
from cxr.banks import ensure_eight_bits, filled_banks
from cxr.dataset import Dataset
from cxr.layout import BANK, FEATURES, INDEX, PIXELS, SPLIT
from cxr.params import Backbone, FeaturesParams, load_params
from cxr.stage import run_stage
from cxr.trunks import TrunkSpec, ensure_trunk, lungs_identity


def main(backbone: Backbone) -> str:
    params = load_params(FeaturesParams, "features")
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    weights = params.weights_of(backbone)
    identity, lungs = weights_identity(weights, params.seed), params.lungs()
    spec = TrunkSpec(backbone, data.pixels.shape[1], identity, params.cut_of(backbone), lungs_identity(lungs))
    ensure_trunk(spec, weights, params.seed, FEATURES / backbone, lungs)
    train, validation = data.side("train"), data.side("validation")
    ensure_eight_bits(FEATURES / backbone, train, validation, params)
    augmented, _, new = filled_banks(FEATURES / backbone, train, validation, params, BANK)
    return (
        f"{backbone}: {new} images new in the bank, {params.views} views each of the training ones, "
        f"in {augmented.spec.precision}"
    )


if __name__ == "__main__":
    run_stage(lambda: main(sys.argv[1]))  # type: ignore[arg-type]
