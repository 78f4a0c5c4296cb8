"""From logits to calibrated probabilities. The fit is in `cxr.training.calibration_fit`: it needs scipy."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def calibrated(logits: npt.ArrayLike, temperature: float) -> Array:
    """p_covid (n,) in [0, 1] of logits (n, 2), or of their margins (n,)."""
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; it must be above 0")
    return sigmoid(margins_of(logits) / temperature)


def margins_of(logits: npt.ArrayLike) -> Array:
    """COVID's logit minus the other's, (n,), of logits (n, 2); margins pass through."""
    values = np.asarray(logits, float)
    if values.ndim == 2 and values.shape[1] == 2:
        return values[:, 1] - values[:, 0]
    if values.ndim != 1:
        raise ValueError(f"logits have shape {values.shape}; it must be (n, 2), or (n,) for margins")
    return values


def sigmoid(values: Array) -> Array:
    """1 / (1 + exp(-values)) without overflow."""
    small = np.exp(-np.abs(values))
    return np.where(values >= 0, 1, small) / (1 + small)
