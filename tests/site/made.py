"""Made sites: labels and probabilities whose truth is known."""

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

Array = npt.NDArray[np.float64]


def binormal(rng: np.random.Generator, count: int, prevalence: float, distance: float) -> tuple[Array, Array]:
    """Labels (n,) and true probabilities (n,) of patients whose scores are normal, `distance` deviations apart."""
    y = (rng.random(count) < prevalence).astype(int)
    scores = rng.normal(distance * (y - 0.5))
    return y, expit(distance * scores + logit(prevalence))
