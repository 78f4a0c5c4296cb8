"""The sections split and pixels of params.yaml."""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT, Seed
from cxr.common.errors import ParamsError


@dataclass(frozen=True, config=STRICT)
class SplitParams:
    """near_duplicate_bits: two images whose 256-bit perceptual hashes differ in at most so many bits count
    as the same picture."""

    section: ClassVar[str] = "split"
    seed: Seed
    test_fraction: Annotated[float, Field(ge=0.01, le=0.8)]
    validation_fraction: Annotated[float, Field(ge=0.01, le=0.8)]
    near_duplicate_bits: Annotated[int, Field(ge=0, le=64)]

    def __post_init__(self) -> None:
        if self.test_fraction + self.validation_fraction >= 1:
            raise ParamsError(
                f"test_fraction {self.test_fraction} and validation_fraction {self.validation_fraction} leave "
                "nothing to train on; their sum must stay below 1"
            )


@dataclass(frozen=True, config=STRICT)
class PixelsParams:
    """image_size: pixels of the square that every network sees."""

    section: ClassVar[str] = "pixels"
    image_size: Annotated[int, Field(ge=75, le=1024)]
