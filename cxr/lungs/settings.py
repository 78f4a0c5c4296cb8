"""The section lungs of params.yaml."""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.augmentation.settings import StrongParams
from cxr.common.config import STRICT, Epochs, LearningRate, Seed
from cxr.common.errors import ParamsError


@dataclass(frozen=True, config=STRICT)
class LungsParams:
    """image_size: pixels of the square that the network sees, a multiple of 16. width: filters of its first level.
    patience: epochs without a better validation Dice before it stops."""

    section: ClassVar[str] = "lungs"
    image_size: Annotated[int, Field(ge=32, le=512)]
    width: Annotated[int, Field(ge=1, le=64)]
    epochs: Epochs
    patience: Epochs
    batch_size: Annotated[int, Field(ge=1, le=256)]
    learning_rate: LearningRate
    seed: Seed
    augmentation: StrongParams

    def __post_init__(self) -> None:
        if self.image_size % 16:
            raise ParamsError(
                f"image_size is {self.image_size}; it must be a multiple of 16, the network halves it four times"
            )
