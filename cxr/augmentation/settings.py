"""What augmented views may look like; a part of the section features of params.yaml."""

from dataclasses import dataclass
from typing import Annotated

from cxr.common.config import Within


@dataclass(frozen=True)
class PhotometricParams:
    """share: of the views that are changed at all; the rest stay as they are. crop_fraction: cut off each side, at
    most. gamma: powers up to this factor, either way. contrast: around mid-grey, by up to so much of itself.
    brightness: of the whole range, either way. blur_pixels: highest radius. jpeg_quality: lowest. equalise: share
    of the changed views whose grey levels are spread evenly."""

    share: Annotated[float, Within(0, 1)]
    crop_fraction: Annotated[float, Within(0, 0.4)]
    gamma: Annotated[float, Within(1, 5)]
    contrast: Annotated[float, Within(0, 0.9)]
    brightness: Annotated[float, Within(0, 0.5)]
    blur_pixels: Annotated[float, Within(0, 10)]
    jpeg_quality: Annotated[int, Within(1, 95)]
    equalise: Annotated[float, Within(0, 1)]


@dataclass(frozen=True)
class AugmentationParams:
    """rotation_degrees: each view is turned by up to so much either way. shift_fraction: moved by up to this
    part of the image size, in each direction. horizontal_flip: mirrored half of the time. photometric: and then shown
    as another hospital might have stored it."""

    rotation_degrees: Annotated[float, Within(0, 180)]
    shift_fraction: Annotated[float, Within(0, 0.5)]
    horizontal_flip: bool
    photometric: PhotometricParams
