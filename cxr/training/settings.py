"""The section train of params.yaml."""

from dataclasses import dataclass
from typing import Annotated, Literal

from cxr.common.config import Within
from cxr.common.errors import ParamsError
from cxr.networks.registry import Backbone


@dataclass(frozen=True)
class TrainParams:
    """head: "flatten" keeps each location's own weights, "average" pools over them. sensitivity: the operating
    threshold is the highest that reaches it on the validation patients. weighting: what each class weighs in
    the loss. alignment: how strongly sources of one label are kept from differing in their mean logit while the head
    trains (cxr/training/alignment.py); 0 does not, and fine-tuning never does. fine_tune: blocks at the end of the
    trunk that are trained too, once the head is; 0 leaves the trunk as it is. fine_tune_epochs,
    fine_tune_learning_rate: of that second training."""

    head: Literal["flatten", "average"]
    dropout: Annotated[float, Within(0, 0.95)]
    learning_rate: Annotated[float, Within(1e-7, 1)]
    weight_decay: Annotated[float, Within(0, 10)]
    batch_size: Annotated[int, Within(1, 4096)]
    epochs: Annotated[int, Within(1, 100_000)]
    weighting: Literal["none", "label", "label_and_source"]
    alignment: Annotated[float, Within(0, 1e9)]
    seed: Annotated[int, Within(0, 2**31 - 1)]
    sensitivity: Annotated[float, Within(0.5, 1.0)]
    fine_tune: Annotated[int, Within(0, 100)]
    fine_tune_epochs: Annotated[int, Within(1, 10_000)]
    fine_tune_learning_rate: Annotated[float, Within(1e-9, 1)]
    backbones: tuple[Backbone, ...]

    def __post_init__(self) -> None:
        if not self.backbones or len(set(self.backbones)) != len(self.backbones):
            raise ParamsError(f"backbones {self.backbones} must name at least one backbone, each once")
