"""The section evaluate of params.yaml."""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT, Seed


@dataclass(frozen=True, config=STRICT)
class EvaluateParams:
    """resamples: bootstrap samples of patients. confidence: of the intervals. prevalence: of COVID among the
    people that PPV and NPV are stated for."""

    section: ClassVar[str] = "evaluate"
    resamples: Annotated[int, Field(ge=100, le=100_000)]
    confidence: Annotated[float, Field(ge=0.5, le=0.999)]
    prevalence: Annotated[float, Field(ge=0.0001, le=0.9999)]
    seed: Seed
