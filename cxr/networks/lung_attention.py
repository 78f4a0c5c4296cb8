"""A trunk that looks at the lungs: each place of its feature map weighs by how much lung the segmenter sees there.

The segmenter becomes a part of the trunk's own graph. So the cache, the head, the heat map, the audit and the service
need not know of it. However a picture was changed, the lungs of that very picture are found. The head stays linear in
the last map: the average over all places is the average over the lungs, and a place outside has no share in the logit.
"""

from pathlib import Path
from typing import Any

# A share of the picture; lungs take a quarter to a half of it. Where less lung than this is seen the map fades towards
# 0. To weigh all places alike there would let what is not lung decide about exactly those pictures.
LEAST_LUNG = 0.1
SHARE = "lung_share"  # the name of the layer that gives each place its probability of lung


def weighted_by_lungs(grey: Any, maps: Any, lungs: Path) -> Any:
    """maps [n, h, w, c] of the pictures `grey` [n, size, size, 1] in 0..255, each place times p / max(mean(p),
    LEAST_LUNG), p in [0, 1] being the segmenter's probability of lung, averaged over the place's cell."""
    import keras

    from cxr.networks import unet

    segmenter = unet.load(lungs)
    seen = segmenter(_resized(grey, segmenter.input_shape[1:3], "lung_input"))
    lung = _resized(seen, maps.shape[1:3], SHARE)
    mean = keras.ops.mean(lung, axis=(1, 2), keepdims=True)
    return keras.layers.Multiply(name="lungs_only")([maps, lung / keras.ops.maximum(mean, LEAST_LUNG)])


def _resized(pictures: Any, size: tuple[int, int], name: str) -> Any:
    """Averaged over whole pixels as far as these go, then bilinear: plain bilinear would skip pixels."""
    import keras

    factor = min(have // want for have, want in zip(pictures.shape[1:3], size, strict=True))
    if factor > 1:
        pictures = keras.layers.AveragePooling2D(factor, padding="same", name=f"{name}_pooling")(pictures)
    return keras.layers.Resizing(*size, name=name)(pictures)
