"""Export one backbone's trunk, and fill its caches: augmented views to train on, plain ones to validate on."""

import sys

from cxr.common.config import load_params
from cxr.common.paths import FEATURE_CACHE, FEATURES, INDEX, PIXELS, SPLIT
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset
from cxr.features.filling import ensure_eight_bits, filled_caches
from cxr.features.settings import FeaturesParams
from cxr.features.trunks import TrunkSpec, ensure_trunk, lungs_fingerprint
from cxr.networks.backbones import weights_fingerprint
from cxr.networks.names import Backbone


def main(backbone: Backbone) -> str:
    params = load_params(FeaturesParams)
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    weights = params.weights_of(backbone)
    identity = weights_fingerprint(weights, params.seed)
    lungs = params.lungs()
    spec = TrunkSpec(backbone, data.pixels.shape[1], identity, params.cut_of(backbone), lungs_fingerprint(lungs))
    ensure_trunk(spec, weights, params.seed, FEATURES / backbone, lungs)
    train = data.split("train")
    validation = data.split("validation")
    ensure_eight_bits(FEATURES / backbone, train, validation, params)
    augmented, _, new = filled_caches(FEATURES / backbone, train, validation, params, FEATURE_CACHE)
    return (
        f"{backbone}: {new} images new in the cache, {params.augmented_views} views each of the training ones, "
        f"in {augmented.spec.precision}"
    )


if __name__ == "__main__":
    run_stage(lambda: main(sys.argv[1]))  # type: ignore[arg-type]
