"""The two caches that a training reads, opened and complete, and the eight-bit trunk that fills them fastest."""

from pathlib import Path

import numpy as np

from cxr.augmentation.geometric import augmentation_rng, augmented_view
from cxr.common.parallel import bar
from cxr.data.dataset import Split
from cxr.features.feature_cache import CacheSpec, FeatureCache
from cxr.features.quantization import CALIBRATION_SAMPLES, COMPARED_PICTURES, ensure_int8
from cxr.features.row_store import pixel_keys
from cxr.features.settings import FeaturesParams
from cxr.features.trunks import read_shape, running_precision, specs_of_caches
from cxr.inference.engine import Trunk, trunk_file
from cxr.inference.precision import available


def ensure_eight_bits(trunk: Path, train: Split, validation: Split, params: FeaturesParams) -> None:
    """Leave an eight-bit twin beside the trunk, where this machine profits and the params allow it: its ranges from
    views of training images, its agreement with float32 from views of validation images."""
    if params.precision == "int8" or (params.precision == "auto" and "int8" in available()):
        compared = np.stack(_some_augmented_views(validation, COMPARED_PICTURES, params))
        ensure_int8(trunk, _some_augmented_views(train, CALIBRATION_SAMPLES, params), compared)


def _some_augmented_views(split: Split, most: int, params: FeaturesParams) -> list[np.ndarray]:
    """One view each, of images spread over the split."""
    some = np.unique(np.linspace(0, len(split.rows) - 1, most).round().astype(int))
    return [
        augmented_view(split.picture(i), params.augmentation, augmentation_rng(params.seed, split.rows[i].path, 0))
        for i in some
    ]


def filled_caches(
    trunk: Path, train: Split, validation: Split, params: FeaturesParams, root: Path
) -> tuple[FeatureCache, FeatureCache, int]:
    """Augmented views of the training images, plain ones of the validation images, and how many images were new.

    trunk: the folder that `ensure_trunk` made. Every stage that needs a cache completes it: DVC does not keep the
    caches, so a fresh clone that pulled everything else does not have them.
    """
    specs = specs_of_caches(trunk, params)
    shape = read_shape(trunk)
    augmented, plain = (FeatureCache(root, spec, shape) for spec in specs)
    new = _fill(augmented, train, trunk, params) + _fill(plain, validation, trunk, params)
    return augmented, plain, new


def _fill(cache: FeatureCache, split: Split, trunk: Path, params: FeaturesParams) -> int:
    keys = pixel_keys(split.picture, len(split.rows))
    missing = cache.missing(keys)
    if not missing:
        return 0
    spec: CacheSpec = cache.spec
    with bar(missing * spec.augmented_views, f"features {spec.backbone}", "view") as advance:
        precision = running_precision(trunk, params.precision)
        compiled = Trunk(trunk_file(trunk, precision), precision)
        return cache.fill(keys, split.picture, compiled, lambda images: advance(images * spec.augmented_views))
