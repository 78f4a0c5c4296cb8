"""What was measured, as later stages read it: validation.json, validation_groups.json, precision.json, gate.json and
lungs.json; and, of the sealed test, metrics.json and groups.json."""

from typing import NotRequired

from typing_extensions import TypedDict


class Measured(TypedDict):
    """A value and its interval over patients; None where the data lacks what it needs. ECE has no interval."""

    value: float | None
    low: float | None
    high: float | None


class Counts(TypedDict):
    """What the metrics were computed on. resamples: drawn for the intervals."""

    images: int
    patients: int
    covid: int
    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int
    resamples: int


class MetricsReport(TypedDict):
    """Of one model on one split. threshold: from which on p_covid is called COVID."""

    auc: Measured
    balanced_auc: NotRequired[Measured]
    average_precision: Measured
    balanced_accuracy: Measured
    sensitivity: Measured
    specificity: Measured
    accuracy: Measured
    calibration_error: NotRequired[Measured]  # reports of before it was measured lack it
    ece: Measured
    counts: Counts
    threshold: float
    prevalence: float
    confidence: float


class GroupMeasured(Measured):
    """images, patients: those that the metric is about. why: it has no value, where it has none."""

    images: int
    patients: int
    why: NotRequired[str]


class GroupCounts(TypedDict):
    """Of one group, all in all and by class."""

    images: int
    patients: int
    covid_images: int
    covid_patients: int
    non_covid_images: int
    non_covid_patients: int


class Group(GroupCounts):
    """One group of one factor, as the women of `sex`. metrics: by name."""

    metrics: dict[str, GroupMeasured]


GroupsReport = dict[str, dict[str, Group]]  # by factor, by group
Precisions = dict[str, dict[str, float | bool | None]]  # by precision: `cxr.inference.precision.PrecisionFacts`


class Rate(Measured):
    """The mean of a measure over pictures, with its interval over patients; None of no pictures."""

    images: int
    patients: int


class NamedRate(Rate):
    """named: the share that was refused for the right reason; None where there is no such share."""

    named: NotRequired[float | None]


class GateSummary(TypedDict):
    """What model.json carries of the gate: the shares refused. cross_fitted: by kind of picture, by gates that do not
    know the patient. external: of frontal pictures, by source. Models of earlier versions have other keys."""

    cross_fitted: dict[str, NamedRate | Rate]
    external: dict[str, Rate]


class GateReport(TypedDict):
    """gate.json. threshold: of the gate. trained_on: pictures by kind. frontal_refused: by split, by group;
    "cross_fitted" is of training and validation patients, by gates that do not know them. refused: by kind of picture.
    summary: what model.json carries of it."""

    threshold: NotRequired[float]
    trained_on: NotRequired[dict[str, int]]
    frontal_refused: dict[str, dict[str, Rate]]
    refused: dict[str, NamedRate]
    summary: NotRequired[GateSummary]


class Dice(TypedDict):
    """Overlap of found and known lungs, over pictures, 0 to 1."""

    mean: Rate
    median: float
    p5: float
    worst: float


class LungsReport(TypedDict):
    """lungs.json. why: there is no segmenter, where none was trained. dice: by split."""

    trained: bool
    why: NotRequired[str]
    dice: NotRequired[dict[str, Dice]]
    best_epoch: NotRequired[int]
    epochs: NotRequired[int]
