"""Export one backbone's trunk, and fill its caches: augmented views to train on, plain ones to validate on."""

import sys

from cxr.common.config import load_params
from cxr.common.paths import DOWNLOADED_BACKBONES, FEATURE_CACHE, FEATURES, INDEX, PIXELS, SPLIT
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset
from cxr.features.filling import ensure_eight_bits, filled_caches
from cxr.features.settings import FeaturesParams
from cxr.features.trunks import ensure_trunk, trunk_is_there, trunk_spec
from cxr.networks.registry import Backbone
from cxr.sources.http.backbone_file import fetched_backbone


def main(backbone: Backbone) -> str:
    params = load_params(FeaturesParams)
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    spec = trunk_spec(backbone, data.pixels.shape[1], params)
    folder = FEATURES / backbone
    exported = params.exported_of(backbone)
    if exported and not trunk_is_there(spec, folder):
        exported = fetched_backbone(backbone, exported, DOWNLOADED_BACKBONES)
    ensure_trunk(spec, params.weights_of(backbone), params.seed, folder, params.lungs(), exported)
    train = data.split("train")
    validation = data.split("validation")
    ensure_eight_bits(folder, train, validation, params)
    augmented, _, new = filled_caches(folder, train, validation, params, FEATURE_CACHE)
    return (
        f"{backbone}: {new} images new in the cache, {params.augmented_views} views each of the training ones, "
        f"in {augmented.spec.precision}"
    )


if __name__ == "__main__":
    run_stage(lambda: main(sys.argv[1]))
