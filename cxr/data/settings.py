"""The sections split and pixels of params.yaml."""

from dataclasses import dataclass
from typing import Annotated

from cxr.common.config import Within
from cxr.common.errors import ParamsError


@dataclass(frozen=True)
class SplitParams:
    """near_duplicate_bits: two images whose 256-bit perceptual hashes differ in at most so many bits count
    as the same picture."""

    seed: Annotated[int, Within(0, 2**31 - 1)]
    test_fraction: Annotated[float, Within(0.01, 0.8)]
    validation_fraction: Annotated[float, Within(0.01, 0.8)]
    near_duplicate_bits: Annotated[int, Within(0, 64)]

    def __post_init__(self) -> None:
        if self.test_fraction + self.validation_fraction >= 1:
            raise ParamsError(
                f"test_fraction {self.test_fraction} and validation_fraction {self.validation_fraction} leave "
                "nothing to train on; their sum must stay below 1"
            )


@dataclass(frozen=True)
class PixelsParams:
    """image_size: pixels of the square that every network sees."""

    image_size: Annotated[int, Within(75, 1024)]
