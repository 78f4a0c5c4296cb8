"""The sections pixels, copies and split of params.yaml."""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT, Seed
from cxr.common.errors import ParamsError


@dataclass(frozen=True, config=STRICT)
class SplitParams:
    section: ClassVar[str] = "split"
    seed: Seed
    test_fraction: Annotated[float, Field(ge=0.01, le=0.8)]
    validation_fraction: Annotated[float, Field(ge=0.01, le=0.8)]

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


@dataclass(frozen=True, config=STRICT)
class CopiesParams:
    """enabled: False looks for none, and the report says so; then the sources' records alone join patients.
    correlation: of what two pictures show, from which they are copies; tools/copies_quality.py measures it."""

    section: ClassVar[str] = "copies"
    enabled: bool
    correlation: Annotated[float, Field(ge=0.7, le=0.99)]
    seed: Seed
