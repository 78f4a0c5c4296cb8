"""The section features of params.yaml."""

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.augmentation.settings import AugmentationParams
from cxr.common.config import STRICT, Seed
from cxr.common.errors import ParamsError
from cxr.networks.registry import BACKBONES, Backbone
from cxr.networks.settings import ExportedBackbone

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
EXPORTED = "exported"  # what features.weights says of a backbone that features.exported describes


@dataclass(frozen=True, config=STRICT)
class FeaturesParams:
    """augmented_views: of each training image. weights: by backbone, "imagenet", "random", the path of a Keras weights
    file, or "exported". cut: by backbone, the layers after which the trunk ends, joined by "+", "" for the whole trunk.
    exported: by name, backbones that come as a file (docs/backbones.md). focus: what the trunk looks at, named by the
    file or folder that dvc.yaml then depends on: the whole picture, or the lungs that the segmenter sees in it
    (cxr/networks/lung_attention.py). precision: of the trunk on this machine; "auto" takes eight-bit integers where
    the processor has them and they agree with float32 (cxr/features/quantization.py), else bf16."""

    section: ClassVar[str] = "features"
    augmented_views: Annotated[int, Field(ge=1, le=1000)]
    seed: Seed
    precision: Literal["auto", "f32", "bf16", "int8"]
    augmentation: AugmentationParams
    weights: dict[Backbone, str]
    cut: dict[Backbone, str]
    exported: dict[Backbone, ExportedBackbone]
    focus: Literal["data/pixels.npy", "models/lungs"]

    def __post_init__(self) -> None:
        for name in self.exported:
            if name in BACKBONES:
                raise ParamsError(f"exported.{name}: Keras' backbone has this name; choose another")
            if not _NAME.fullmatch(name):
                raise ParamsError(f"exported.{name}: use small letters, digits, - and _ only, as in a folder's name")
            if (self.weights.get(name), self.cut.get(name)) != (EXPORTED, ""):
                raise ParamsError(f"exported.{name}: weights.{name} must be {EXPORTED!r} and cut.{name} must be ''")
        for name in self.weights | self.cut:
            self._require_known(name)

    def exported_of(self, backbone: Backbone) -> ExportedBackbone | None:
        """None where Keras builds the backbone. Raises ParamsError where nobody knows it."""
        self._require_known(backbone)
        return self.exported.get(backbone)

    def weights_of(self, backbone: Backbone) -> str:
        return _of_backbone(self.weights, backbone, "features.weights")

    def cut_of(self, backbone: Backbone) -> str:
        return _of_backbone(self.cut, backbone, "features.cut")

    def lungs(self) -> Path | None:
        """The segmenter's folder; None where the trunk looks at the whole picture."""
        return Path(self.focus) if self.focus == "models/lungs" else None

    def _require_known(self, name: str) -> None:
        if name not in BACKBONES and name not in self.exported:
            known = ", ".join([*BACKBONES, *self.exported])
            raise ParamsError(f"there is no backbone {name!r}; known are {known}; exported can describe another one")


def _of_backbone(values: dict[Backbone, str], backbone: Backbone, where: str) -> str:
    if backbone not in values:
        raise ParamsError(f"{where}: key {backbone!r} is missing, and train.backbones names it")
    return values[backbone]
