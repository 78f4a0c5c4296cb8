"""The section register of params.yaml."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class RegisterParams:
    """model: name in the MLflow registry and in the BentoML store. metric: on the validation patients, picks
    the winner over the backbones."""

    model: str
    experiment: str
    metric: Literal["balanced_auc", "auc", "average_precision", "balanced_accuracy"]
