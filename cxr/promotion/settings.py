"""The section register of params.yaml."""

from typing import ClassVar, Literal

from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT


@dataclass(frozen=True, config=STRICT)
class RegisterParams:
    """model: name in the MLflow registry and in the BentoML store. metric: picks the winner over the backbones:
    unseen_auc on sources that training left out, the others on the validation patients."""

    section: ClassVar[str] = "register"
    model: str
    experiment: str
    metric: Literal["unseen_auc", "balanced_auc", "auc", "average_precision", "balanced_accuracy"]
