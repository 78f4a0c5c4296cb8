"""The section gate of params.yaml."""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.augmentation.settings import StrongParams
from cxr.common.config import STRICT, Epochs, Folds, Seed


@dataclass(frozen=True, config=STRICT)
class GateParams:
    """networks: whose mean decides; one alone moves with its seed. hidden: units of each. versions: pictures of each
    kind shown, strong_view versions of fewer; frontal ones twice as many. false_refusals: the highest share of the
    training and validation patients' frontal pictures, each source counting alike, that gates which do not know the
    patients may refuse; a quantile lies above its nominal value half of the time, so ask for less than what has to
    hold. folds: of these patients."""

    section: ClassVar[str] = "gate"
    networks: Annotated[int, Field(ge=1, le=100)]
    hidden: Annotated[int, Field(ge=1, le=4096)]
    epochs: Epochs
    weight_decay: Annotated[float, Field(ge=0, le=10)]
    versions: Annotated[int, Field(ge=10, le=1_000_000)]
    false_refusals: Annotated[float, Field(ge=0, le=0.5)]
    folds: Folds
    seed: Seed
    augmentation: StrongParams
