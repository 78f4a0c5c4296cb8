"""unseen.json, what a model carries of it, and the table behind its plot."""

from dataclasses import dataclass
from typing import NotRequired

from typing_extensions import TypedDict

from cxr.evaluation.report_types import Measured, Rate


class PairEntry(TypedDict):
    """What models that knew neither source say of the COVID images of `positive` and the others of `negative`. by_seed:
    the AUC of each training. positives_called, negatives_called: the shares called COVID at the models' thresholds."""

    positive: str
    negative: str
    auc: Rate
    by_seed: list[float]
    positives_called: Rate
    negatives_called: Rate


class ImpossiblePair(TypedDict):
    positive: str
    negative: str
    reason: str


class FoldEntry(TypedDict):
    """thresholds: of each training, from which on p_covid is called COVID."""

    left_out: list[str]
    train_images: int
    validation_images: int
    asked_images: int
    thresholds: list[float]


class ExternalEntry(TypedDict):
    """A source that is never trained on, over all folds. auc: where it has both labels. called: by label, the share
    called COVID."""

    auc: NotRequired[Rate]
    called: dict[str, Rate]


class RiskPoint(TypedDict):
    """One point of a risk-coverage curve. by: what decides which images are answered first, "familiarity" or the
    "margin" between the answer and the threshold. coverage: the share that is answered. risk: of these, the share that
    is called wrongly."""

    by: str
    coverage: float
    risk: float


class Abstaining(TypedDict):
    """What the familiarity is worth. warned_known: of validation images of sources that were trained on, the share that
    is warned of. warned_unseen: by source left out. wrong_warned, wrong_familiar: of the images of sources left out
    with and without the warning, the share called wrongly. risk: two curves."""

    warned_known: Measured
    warned_unseen: dict[str, Rate]
    wrong_warned: Measured
    wrong_familiar: Measured
    risk: list[RiskPoint]


class UnseenReport(TypedDict):
    """unseen.json. unseen_auc: the mean over pairs, with its interval over patients and seeds; without a value where no
    pair can be measured, and then `why` says why. worst: the pair of least AUC. false_positive_rate, sensitivity: means
    over sources that were left out of the share called COVID. called: by source, by label. abstaining: None where
    nothing was trained."""

    unseen_auc: Measured
    why: str
    worst: PairEntry | None
    false_positive_rate: Measured
    sensitivity: Measured
    seeds: int
    pairs: list[PairEntry]
    impossible: list[ImpossiblePair]
    called: dict[str, dict[str, Rate]]
    external: dict[str, ExternalEntry]
    folds: list[FoldEntry]
    abstaining: NotRequired[Abstaining | None]  # older files have none


class CarriedUnseen(TypedDict):
    """What model.json says of it. pairs: how many. says: in one sentence. familiarity: what the warning
    unfamiliar_source is worth, by `Abstaining`'s names; older files have none."""

    unseen_auc: Measured
    false_positive_rate: Measured
    sensitivity: Measured
    pairs: int
    seeds: int
    says: str
    familiarity: NotRequired[dict[str, Measured]]


@dataclass(frozen=True)
class MatrixRow:
    """One cell of the matrix, sources by sources. note: why it has no value, where it has none."""

    positive: str
    negative: str
    auc: float | None
    low: float | None
    high: float | None
    positives_called: float | None
    negatives_called: float | None
    images: int
    patients: int
    note: str = ""


@dataclass(frozen=True)
class RiskRow:
    """One row of unseen_risk.csv: a RiskPoint."""

    by: str
    coverage: float
    risk: float
