"""The section register of params.yaml."""

from typing import ClassVar, Literal

from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT


@dataclass(frozen=True, config=STRICT)
class RegisterParams:
    """model: name in the MLflow registry and in the BentoML store. metric: on the validation patients, picks
    the winner over the backbones."""

    section: ClassVar[str] = "register"
    model: str
    experiment: str
    metric: Literal["balanced_auc", "auc", "average_precision", "balanced_accuracy"]
