"""A trunk that looks at the lungs: each place of its feature map weighs by how much lung the segmenter sees there.

The segmenter becomes a part of the trunk's own graph. So the bank, the head, the heat map, the audit and the service
need not know of it, whatever is done to a picture it finds the lungs of that very picture, and the head stays linear
in the last map: the average over all places is the average over the lungs, and a place outside has no share in the
logit.
"""

from pathlib import Path
from typing import Any

# Lung seen everywhere beside what the segmenter sees: with no lung in the picture all places weigh the same.
BACKGROUND = 0.02
SHARE = "lung_share"  # the name of the layer that gives each place its probability of lung


def weighted_by_lungs(grey: Any, maps: Any, lungs: Path) -> Any:
    """maps [n, h, w, c] of the pictures `grey` [n, side, side, 1] in 0..255, each place times w / mean(w) with
    w = p + BACKGROUND, p in [0, 1] being the segmenter's probability of lung, averaged over the place's cell."""
    import keras

    from cxr import unet

    segmenter = unet.load(lungs)
    seen = segmenter(_resized(grey, segmenter.input_shape[1:3], "lung_input"))
    weights = _resized(seen, maps.shape[1:3], SHARE) + BACKGROUND
    mean = keras.ops.mean(weights, axis=(1, 2), keepdims=True)
    return keras.layers.Multiply(name="lungs_only")([maps, weights / mean])


def _resized(pictures: Any, size: tuple[int, int], name: str) -> Any:
    """Averaged over whole pixels as far as these go, then bilinear: plain bilinear would skip pixels."""
    import keras

    factor = min(have // want for have, want in zip(pictures.shape[1:3], size, strict=True))
    if factor > 1:
        pictures = keras.layers.AveragePooling2D(factor, padding="same", name=f"{name}_pooling")(pictures)
    return keras.layers.Resizing(*size, name=name)(pictures)
