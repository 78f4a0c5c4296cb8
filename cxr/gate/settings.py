"""What can be set about how the gate is trained."""

from dataclasses import dataclass
from typing import Annotated

from cxr.augmentation.strong import StrongParams
from cxr.common.config import Within


@dataclass(frozen=True)
class GateParams:
    """networks: whose mean decides; one alone moves with its seed. hidden: units of each. versions: pictures of each
    kind shown, strong_view versions of fewer; frontal ones twice as many. false_refusals: the highest share of the
    validation patients' frontal pictures that may be refused; a quantile of few pictures lies above its nominal
    value half of the time, so ask for less than what has to hold. folds: of the cross-validation over the few
    patients with a CT slice or a lateral view."""

    networks: Annotated[int, Within(1, 100)]
    hidden: Annotated[int, Within(1, 4096)]
    epochs: Annotated[int, Within(1, 10_000)]
    weight_decay: Annotated[float, Within(0, 10)]
    versions: Annotated[int, Within(10, 1_000_000)]
    false_refusals: Annotated[float, Within(0, 0.5)]
    folds: Annotated[int, Within(2, 20)]
    seed: Annotated[int, Within(0, 2**31 - 1)]
    augmentation: StrongParams
