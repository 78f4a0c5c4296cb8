"""The section register of params.yaml."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT

MODEL_NAME = re.compile(r"[a-z0-9]([-._a-z0-9]{0,61}[a-z0-9])?")  # what BentoML takes too, and safe as a file's name


def _model_name(name: str) -> str:
    if not MODEL_NAME.fullmatch(name) or ".." in name:
        raise ValueError(
            f"{name!r} is no model's name; take up to 63 of a-z, 0-9, '-', '_' and '.', a letter or digit at both ends"
        )
    return name


@dataclass(frozen=True, config=STRICT)
class RegisterParams:
    """model: name in the MLflow registry and in the BentoML store. metric: picks the winner over the backbones:
    unseen_auc on sources that training left out, the others on the validation patients. promote: whether the stage
    makes a surely better version champion, or a person does (`make promote`)."""

    section: ClassVar[str] = "register"
    model: Annotated[str, AfterValidator(_model_name)]
    experiment: str
    metric: Literal["unseen_auc", "balanced_auc", "auc", "average_precision", "balanced_accuracy"]
    promote: Literal["by_hand", "better"]
