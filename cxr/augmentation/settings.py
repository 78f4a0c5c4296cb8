"""What augmented views may look like; a part of the section features of params.yaml."""

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT, Fraction, JpegQuality

Part = Annotated[float, Field(ge=0, le=0.5)]  # of the image size, or of the whole range of grey levels
ToneFactor = Annotated[float, Field(ge=1, le=5)]  # of grey levels, either way
SizeFactor = Annotated[float, Field(ge=1, le=3)]  # of lengths, either way


@dataclass(frozen=True, config=STRICT)
class PhotometricParams:
    """share: of the views that are changed at all; the rest stay as they are. crop_fraction: cut off each side, at
    most. gamma: powers up to this factor, either way. contrast: around mid-grey, by up to so much of itself.
    brightness: of the whole range, either way. blur_pixels: highest radius. jpeg_quality: lowest. equalise: share
    of the changed views whose grey levels are spread evenly."""

    share: Fraction
    crop_fraction: Annotated[float, Field(ge=0, le=0.4)]
    gamma: ToneFactor
    contrast: Annotated[float, Field(ge=0, le=0.9)]
    brightness: Part
    blur_pixels: Annotated[float, Field(ge=0, le=10)]
    jpeg_quality: JpegQuality
    equalise: Fraction


@dataclass(frozen=True, config=STRICT)
class AugmentationParams:
    """rotation_degrees: each view is turned by up to so much either way. shift_fraction: moved by up to this
    part of the image size, in each direction. horizontal_flip: mirrored half of the time. photometric: and then shown
    as another hospital might have stored it."""

    rotation_degrees: Annotated[float, Field(ge=0, le=180)]
    shift_fraction: Part
    horizontal_flip: bool
    photometric: PhotometricParams


@dataclass(frozen=True, config=STRICT)
class StrongParams:
    """rotation_degrees: either way. zoom: enlarged or shrunk by up to this factor. stretch: the same, of height
    against width. shift_fraction: of the image size. gamma, contrast: by up to this factor, either way. brightness: by
    up to so much of the whole range. noise: highest standard deviation, of the whole range."""

    rotation_degrees: Annotated[float, Field(ge=0, le=90)]
    zoom: SizeFactor
    stretch: SizeFactor
    shift_fraction: Part
    gamma: ToneFactor
    contrast: ToneFactor
    brightness: Part
    noise: Part
