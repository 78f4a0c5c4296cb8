"""The section features of params.yaml."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.augmentation.settings import AugmentationParams
from cxr.common.config import STRICT
from cxr.common.errors import ParamsError
from cxr.networks.names import Backbone


@dataclass(frozen=True, config=STRICT)
class FeaturesParams:
    """augmented_views: of each training image. weights: by backbone, "imagenet", "random" or the path
    of a Keras weights file. cut: by backbone, the layers after which the trunk ends, joined by "+", "" for the whole
    trunk. focus: what the trunk looks at, named by the file or folder that dvc.yaml then depends on: the whole picture,
    or the lungs that the segmenter sees in it (cxr/networks/lung_attention.py).
    precision: of the trunk on this machine; "auto" takes eight-bit integers where the processor has them and they
    agree with float32 (cxr/features/quantization.py), else bf16."""

    section: ClassVar[str] = "features"
    augmented_views: Annotated[int, Field(ge=1, le=1000)]
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)]
    precision: Literal["auto", "f32", "bf16", "int8"]
    augmentation: AugmentationParams
    weights: dict[Backbone, str]
    cut: dict[Backbone, str]
    focus: Literal["data/pixels.npy", "models/lungs"]

    def weights_of(self, backbone: Backbone) -> str:
        return _of_backbone(self.weights, backbone, "features.weights")

    def cut_of(self, backbone: Backbone) -> str:
        return _of_backbone(self.cut, backbone, "features.cut")

    def lungs(self) -> Path | None:
        """The segmenter's folder; None where the trunk looks at the whole picture."""
        return Path(self.focus) if self.focus == "models/lungs" else None


def _of_backbone(values: dict[Backbone, str], backbone: Backbone, where: str) -> str:
    if backbone not in values:
        raise ParamsError(f"{where}: key {backbone!r} is missing, and train.backbones names it")
    return values[backbone]
