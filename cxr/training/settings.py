"""The section train of params.yaml."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT, Epochs, LearningRate, Seed
from cxr.common.errors import ParamsError
from cxr.networks.registry import Backbone


@dataclass(frozen=True, config=STRICT)
class TrainParams:
    """head: "flatten" keeps each location's own weights, "average" pools over them. sensitivity: the operating
    threshold is the highest that reaches it on the validation patients. weighting: what each class weighs in
    the loss. alignment: how strongly sources of one label are kept from differing in their mean logit while the head
    trains (cxr/training/alignment.py); 0 does not, and fine-tuning never does. fine_tune: blocks at the end of the
    trunk that are trained too, once the head is; 0 leaves the trunk as it is. fine_tune_epochs,
    fine_tune_learning_rate: of that second training."""

    section: ClassVar[str] = "train"
    head: Literal["flatten", "average"]
    dropout: Annotated[float, Field(ge=0, le=0.95)]
    learning_rate: LearningRate
    weight_decay: Annotated[float, Field(ge=0, le=10)]
    batch_size: Annotated[int, Field(ge=1, le=4096)]
    epochs: Annotated[int, Field(ge=1, le=100_000)]
    weighting: Literal["none", "label", "label_and_source"]
    alignment: Annotated[float, Field(ge=0, le=1e9)]
    seed: Seed
    sensitivity: Annotated[float, Field(ge=0.5, le=1.0)]
    fine_tune: Annotated[int, Field(ge=0, le=100)]
    fine_tune_epochs: Epochs
    fine_tune_learning_rate: Annotated[float, Field(ge=1e-9, le=1)]
    backbones: tuple[Backbone, ...]

    def __post_init__(self) -> None:
        if not self.backbones or len(set(self.backbones)) != len(self.backbones):
            raise ParamsError(f"backbones {self.backbones} must name at least one backbone, each once")
