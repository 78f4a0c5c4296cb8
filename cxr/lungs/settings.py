"""The section lungs of params.yaml."""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.augmentation.settings import StrongParams
from cxr.common.config import STRICT
from cxr.common.errors import ParamsError


@dataclass(frozen=True, config=STRICT)
class LungsParams:
    """image_size: pixels of the square that the network sees, a multiple of 16. width: filters of its first level.
    patience: epochs without a better validation Dice before it stops."""

    section: ClassVar[str] = "lungs"
    image_size: Annotated[int, Field(ge=32, le=512)]
    width: Annotated[int, Field(ge=1, le=64)]
    epochs: Annotated[int, Field(ge=1, le=10_000)]
    patience: Annotated[int, Field(ge=1, le=10_000)]
    batch_size: Annotated[int, Field(ge=1, le=256)]
    learning_rate: Annotated[float, Field(ge=1e-7, le=1)]
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)]
    augmentation: StrongParams

    def __post_init__(self) -> None:
        if self.image_size % 16:
            raise ParamsError(
                f"image_size is {self.image_size}; it must be a multiple of 16, the network halves it four times"
            )
