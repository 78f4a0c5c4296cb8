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


class UnseenReport(TypedDict):
    """unseen.json. unseen_auc: the mean over pairs, with its interval over patients and seeds; without a value where no
    pair can be measured, and then `why` says why. worst: the pair of least AUC. false_positive_rate, sensitivity: means
    over sources that were left out of the share called COVID. called: by source, by label."""

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


class CarriedUnseen(TypedDict):
    """What model.json says of it. pairs: how many. says: in one sentence."""

    unseen_auc: Measured
    false_positive_rate: Measured
    sensitivity: Measured
    pairs: int
    seeds: int
    says: str


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
