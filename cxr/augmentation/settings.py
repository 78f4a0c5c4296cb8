"""What augmented views may look like; a part of the section features of params.yaml."""

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT


@dataclass(frozen=True, config=STRICT)
class PhotometricParams:
    """share: of the views that are changed at all; the rest stay as they are. crop_fraction: cut off each side, at
    most. gamma: powers up to this factor, either way. contrast: around mid-grey, by up to so much of itself.
    brightness: of the whole range, either way. blur_pixels: highest radius. jpeg_quality: lowest. equalise: share
    of the changed views whose grey levels are spread evenly."""

    share: Annotated[float, Field(ge=0, le=1)]
    crop_fraction: Annotated[float, Field(ge=0, le=0.4)]
    gamma: Annotated[float, Field(ge=1, le=5)]
    contrast: Annotated[float, Field(ge=0, le=0.9)]
    brightness: Annotated[float, Field(ge=0, le=0.5)]
    blur_pixels: Annotated[float, Field(ge=0, le=10)]
    jpeg_quality: Annotated[int, Field(ge=1, le=95)]
    equalise: Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, config=STRICT)
class AugmentationParams:
    """rotation_degrees: each view is turned by up to so much either way. shift_fraction: moved by up to this
    part of the image size, in each direction. horizontal_flip: mirrored half of the time. photometric: and then shown
    as another hospital might have stored it."""

    rotation_degrees: Annotated[float, Field(ge=0, le=180)]
    shift_fraction: Annotated[float, Field(ge=0, le=0.5)]
    horizontal_flip: bool
    photometric: PhotometricParams


@dataclass(frozen=True, config=STRICT)
class StrongParams:
    """rotation_degrees: either way. zoom: enlarged or shrunk by up to this factor. stretch: the same, of height
    against width. shift_fraction: of the image size. gamma, contrast: by up to this factor, either way. brightness: by
    up to so much of the whole range. noise: highest standard deviation, of the whole range."""

    rotation_degrees: Annotated[float, Field(ge=0, le=90)]
    zoom: Annotated[float, Field(ge=1, le=3)]
    stretch: Annotated[float, Field(ge=1, le=3)]
    shift_fraction: Annotated[float, Field(ge=0, le=0.5)]
    gamma: Annotated[float, Field(ge=1, le=5)]
    contrast: Annotated[float, Field(ge=1, le=5)]
    brightness: Annotated[float, Field(ge=0, le=0.5)]
    noise: Annotated[float, Field(ge=0, le=0.5)]
