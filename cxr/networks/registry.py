"""The backbones that Keras builds: one entry each, in the order in which they are compared.

To add one, add an entry to BACKBONES and give params.yaml its `features.weights` and `features.cut`. A backbone that
comes as an exported file needs no entry here (cxr/networks/exported.py). Importing this module does not start Keras.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cxr.common.errors import ModelError

Backbone = str  # the name of an entry of BACKBONES, or of one of features.exported


@dataclass(frozen=True)
class BackboneSpec:
    """construct: called with include_top=False, weights and input_shape=(size, size, 3), as the constructors of
    keras.applications are; returns a keras.Model whose output is a map [n, h, w, c]. scale, offset: pixel * scale +
    offset gives what its pretrained weights expect, per channel. min_image_size: pixels that its pooling needs.
    block_end: a regular expression of the names of the layers that a block ends with."""

    construct: Callable[..., Any]
    scale: float
    offset: tuple[float, float, float]
    min_image_size: int
    block_end: str


def keras_application(name: str) -> Callable[..., Any]:
    """The constructor of this name in keras.applications. Keras is imported when it is called."""

    def construct(**arguments: Any) -> Any:
        import keras

        return getattr(keras.applications, name)(**arguments)

    return construct


# Minus the mean of ImageNet's blue, green and red, as VGG16 and ResNet50 were trained (Simonyan & Zisserman 2015).
_IMAGENET_BGR = (-103.939, -116.779, -123.68)
_MINUS_ONE = (-1.0, -1.0, -1.0)

# Blocks, as the papers count them: InceptionV3's modules mixed0 to mixed10 (11, the stem in the first); VGG16's block1
# to block5; ResNet50's residual units conv2_block1 to conv5_block3 (16, the stem in the first); Xception's, which end
# with the addition of the shortcut: block2 (block1 in it) to block13, and block14, which has none (13 in all).
BACKBONES: dict[Backbone, BackboneSpec] = {
    "inceptionv3": BackboneSpec(
        keras_application("InceptionV3"), 1 / 127.5, _MINUS_ONE, min_image_size=75, block_end=r"mixed\d+"
    ),
    "vgg16": BackboneSpec(keras_application("VGG16"), 1.0, _IMAGENET_BGR, min_image_size=32, block_end=r"block\d_pool"),
    "resnet50": BackboneSpec(
        keras_application("ResNet50"), 1.0, _IMAGENET_BGR, min_image_size=32, block_end=r"conv\d_block\d_out"
    ),
    "xception": BackboneSpec(
        keras_application("Xception"), 1 / 127.5, _MINUS_ONE, min_image_size=71, block_end=r"add(_\d+)?"
    ),
}


def spec_of(backbone: Backbone) -> BackboneSpec:
    """Raises ModelError where Keras does not build this backbone."""
    if backbone not in BACKBONES:
        raise ModelError(f"{backbone!r} is not a Keras backbone; known are {', '.join(BACKBONES)}")
    return BACKBONES[backbone]
