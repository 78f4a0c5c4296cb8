"""The section evaluate of params.yaml."""

from dataclasses import dataclass
from typing import Annotated

from cxr.common.config import Within


@dataclass(frozen=True)
class EvaluateParams:
    """resamples: bootstrap samples of patients. confidence: of the intervals. prevalence: of COVID among the
    people that PPV and NPV are stated for."""

    resamples: Annotated[int, Within(100, 100_000)]
    confidence: Annotated[float, Within(0.5, 0.999)]
    prevalence: Annotated[float, Within(0.0001, 0.9999)]
    seed: Annotated[int, Within(0, 2**31 - 1)]
