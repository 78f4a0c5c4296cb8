"""The names of the backbones, in the order in which they are compared."""

from typing import Literal, get_args

Backbone = Literal["inceptionv3", "vgg16", "resnet50", "xception"]
BACKBONES: tuple[Backbone, ...] = get_args(Backbone)
