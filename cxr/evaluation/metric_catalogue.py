"""The list of metrics. To add one, write one function here with `@metric`.

metrics.json, MLflow's names, the groups, the line of `dvc metrics show` and the tables of the reports follow from it.
A metric takes a Sample and gives (b,) values, one for each row of weights; NaN where it is undefined.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from cxr.evaluation import weighted_metrics as weighted
from cxr.evaluation.weighted_metrics import Array, ratio

# covid, non_covid: images of that label, without which the metric is undefined. sources: each image's source.
Need = Literal["covid", "non_covid", "sources"]
# The reports show the metrics in this order: how well the score ranks, what the calls at the threshold are worth, what
# depends on the images' share of COVID, how honest the probabilities are.
Table = Literal["ranking", "calls", "mix", "calibration"]
# Where else a metric is shown: the line of `dvc metrics show`, groups.json, and MLflow's metrics of each group.
Place = Literal["headline", "groups", "groups in MLflow"]
# How a value and its interval follow from the resamples: cxr/evaluation/intervals.py has one function for each.
# percentile: the plain bootstrap. root_debiased: `compute` gives a mean of squares, which noise enlarges; the metric is
# the root of what is left without it. none: biased and without a known remedy, so that no interval would be true.
Spread = Literal["percentile", "root_debiased", "none"]

BOTH: tuple[Need, ...] = ("covid", "non_covid")
EVERYWHERE: tuple[Place, ...] = ("headline", "groups", "groups in MLflow")
RESERVED = ("counts", "threshold", "prevalence", "confidence", "exact", "no_spread")  # other keys of metrics.json


@dataclass(frozen=True)
class Sample:
    """Images and how often each counts.

    y: bool[n], True for COVID. p: (n,) in [0, 1]. threshold: an image is called COVID when p >= threshold.
    prevalence: of COVID among the people that ppv and npv speak of. weights: (b, n), one resample a row.
    sources: (n,), or None where they are not known.
    """

    y: npt.NDArray[np.bool_]
    p: Array
    threshold: float
    prevalence: float
    weights: Array
    sources: npt.NDArray | None = None

    @cached_property
    def counts(self) -> tuple[Array, Array, Array, Array]:
        """True positives, false positives, false negatives, true negatives; each (b,)."""
        return weighted.confusion_counts(self.y, self.p, self.threshold, self.weights)

    @cached_property
    def sensitivity(self) -> Array:
        tp, _, fn, _ = self.counts
        return ratio(tp, tp + fn)

    @cached_property
    def specificity(self) -> Array:
        _, fp, _, tn = self.counts
        return ratio(tn, tn + fp)


@dataclass(frozen=True)
class Metric:
    """label, meaning: as the reports say it. compute: gives (b,) values of a sample, of which `spread` makes the metric
    and its interval."""

    name: str
    label: str
    meaning: str
    table: Table
    needs: tuple[Need, ...]
    places: tuple[Place, ...]
    compute: Callable[[Sample], Array]
    spread: Spread = "percentile"


METRICS: dict[str, Metric] = {}


def metric(
    label: str,
    meaning: str,
    table: Table,
    *,
    needs: tuple[Need, ...] = (),
    places: tuple[Place, ...] = (),
    spread: Spread = "percentile",
) -> Callable[[Callable[[Sample], Array]], Callable[[Sample], Array]]:
    """Add the decorated function to METRICS, under its own name. Raises ValueError where that name is taken."""

    def add(compute: Callable[[Sample], Array]) -> Callable[[Sample], Array]:
        name = compute.__name__
        if name in METRICS or name in RESERVED:
            raise ValueError(f"metrics.json has a key {name!r} already; give the metric another name")
        METRICS[name] = Metric(name, label, meaning, table, needs, places, compute, spread)
        return compute

    return add


def statistics(sample: Sample) -> dict[str, Array]:
    """Every metric, each (b,); those that need sources only where the sample has them."""
    known = sample.sources is not None
    return {name: one.compute(sample) for name, one in METRICS.items() if known or "sources" not in one.needs}


def shown_in(place: Place) -> list[str]:
    """The names of the metrics that a place shows."""
    return [name for name, one in METRICS.items() if place in one.places]


def in_tables() -> list[Metric]:
    """All metrics in the order of the reports."""
    return sorted(METRICS.values(), key=lambda one: get_args(Table).index(one.table))


@metric(
    "AUC",
    "how well the score ranks COVID images above others; 0.5 is guessing",
    "ranking",
    needs=BOTH,
    places=EVERYWHERE,
)
def auc(sample: Sample) -> Array:
    return weighted.auc(sample.y, sample.p, sample.weights)


@metric(
    "AUC, sources balanced", "AUC in which every source of a label weighs the same", "ranking", needs=(*BOTH, "sources")
)
def balanced_auc(sample: Sample) -> Array:
    """Where one large source makes up most of a label, plain AUC is little more than how well that source is told
    apart, and a model earns it by knowing the source."""
    source = np.unique(np.asarray(sample.sources), return_inverse=True)[1]
    groups = np.unique(2 * source + sample.y, return_inverse=True)[1]
    return weighted.balanced_auc(sample.y, sample.p, groups, sample.weights)


@metric(
    "Average precision",
    "area under precision against recall, at these images' share of COVID",
    "mix",
    needs=BOTH,
    places=("groups",),
)
def average_precision(sample: Sample) -> Array:
    return weighted.average_precision(sample.y, sample.p, sample.weights)


@metric("Sensitivity", "share of COVID images called COVID", "calls", needs=("covid",), places=EVERYWHERE)
def sensitivity(sample: Sample) -> Array:
    return sample.sensitivity


@metric("Specificity", "share of NonCOVID images called NonCOVID", "calls", needs=("non_covid",), places=EVERYWHERE)
def specificity(sample: Sample) -> Array:
    return sample.specificity


@metric("PPV", "of people called COVID, the share that has it, at the stated prevalence", "calls", needs=BOTH)
def ppv(sample: Sample) -> Array:
    return weighted.positive_predictive_value(sample.sensitivity, sample.specificity, sample.prevalence)


@metric("NPV", "of people called NonCOVID, the share without it, at the stated prevalence", "calls", needs=BOTH)
def npv(sample: Sample) -> Array:
    return weighted.negative_predictive_value(sample.sensitivity, sample.specificity, sample.prevalence)


@metric("F1", "harmonic mean of precision and sensitivity, at these images' share of COVID", "mix", needs=("covid",))
def f1(sample: Sample) -> Array:
    tp, fp, fn, _ = sample.counts
    return np.where(tp + fn > 0, ratio(2 * tp, 2 * tp + fp + fn), np.nan)


@metric("Balanced accuracy", "mean of sensitivity and specificity", "mix", needs=BOTH)
def balanced_accuracy(sample: Sample) -> Array:
    return (sample.sensitivity + sample.specificity) / 2


@metric(
    "Accuracy", "share of images called right, at these images' share of COVID", "mix", places=("headline", "groups")
)
def accuracy(sample: Sample) -> Array:
    tp, fp, fn, tn = sample.counts
    return ratio(tp + tn, tp + fp + fn + tn)


@metric(
    "Calibration error (RMS)",
    "root mean square gap between the stated and the true share, less what chance adds; lower is better",
    "calibration",
    places=("headline", "groups"),
    spread="root_debiased",
)
def calibration_error(sample: Sample) -> Array:
    """Squared, and with what chance adds: `spread` takes it off (Kumar, Liang & Ma 2019)."""
    return weighted.squared_calibration_error(sample.y, sample.p, sample.weights)


@metric(
    "ECE",
    "mean gap between the stated and the true share, chance included: for comparison with papers; lower is better",
    "calibration",
    places=("headline", "groups"),
    spread="none",
)
def ece(sample: Sample) -> Array:
    return weighted.expected_calibration_error(sample.y, sample.p, sample.weights)


@metric("Brier score", "mean squared error of the probability; lower is better", "calibration")
def brier(sample: Sample) -> Array:
    return ratio(sample.weights @ (sample.p - sample.y) ** 2, sample.weights.sum(axis=1))
