"""Results by view, sex, age, source and finding: for whom do the numbers of the whole split hold?

Groups are compared by eye, with their intervals: many groups are looked at, so that one of them will lie low by
chance alone.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from cxr.data.manifest import ImageRow
from cxr.evaluation.metric_catalogue import METRICS, shown_in
from cxr.evaluation.metrics import evaluate_by
from cxr.evaluation.report_types import Group, GroupMeasured, GroupsReport, Measured
from cxr.evaluation.settings import EvaluateParams

FACTORS = ("view", "sex", "age", "source", "finding")
NOT_RECORDED = "not recorded"
# Completed years, both ends included: children and adolescents by the law's age, then steps of twenty years.
AGE_BANDS = {
    "0 to 17": (0, 17),
    "18 to 39": (18, 39),
    "40 to 59": (40, 59),
    "60 to 79": (60, 79),
    "80 and more": (80, 130),
}
MIN_PATIENTS = 5  # of each class that a metric needs: an interval over fewer says nothing
_NAMES = {"": "", "covid_": "COVID ", "non_covid_": "NonCOVID "}


def age_band(age: str) -> str:
    """The band of AGE_BANDS that an age in years ("", "71", "0.5") falls into, or NOT_RECORDED."""
    try:
        years = math.floor(float(age))
    except (ValueError, OverflowError):  # "", a word, not a number, infinity
        return NOT_RECORDED
    return next((band for band, (low, high) in AGE_BANDS.items() if low <= years <= high), NOT_RECORDED)


def group_of(row: ImageRow, factor: str) -> str:
    """factor: one of FACTORS."""
    value: str = age_band(row.age) if factor == "age" else getattr(row, factor)
    return value or NOT_RECORDED


def evaluate_groups(
    rows: Sequence[ImageRow],
    y_true: npt.ArrayLike,
    p_covid: npt.ArrayLike,
    threshold: float,
    params: EvaluateParams,
) -> GroupsReport:
    """By factor and group: how many images and patients, and the metrics that are shown by group.


    A metric is {"value", "low", "high", "images", "patients"}, the last two of those that it is about.
    Intervals are over patients, as in `cxr.evaluation.metrics.evaluate`. Where fewer than MIN_PATIENTS patients of a
    class that the metric needs are in the group, it is null, and "why" says so.
    """
    y = np.asarray(y_true, bool)
    patients = np.array([row.patient for row in rows])
    return {factor: _by(factor, rows, y, np.asarray(p_covid, float), patients, threshold, params) for factor in FACTORS}


def _by(
    factor: str,
    rows: Sequence[ImageRow],
    y: npt.NDArray[np.bool_],
    p: npt.NDArray[np.float64],
    patients: npt.NDArray,
    threshold: float,
    params: EvaluateParams,
) -> dict[str, Group]:
    of = np.array([group_of(row, factor) for row in rows])
    found = evaluate_by(list(of), y, p, list(patients), threshold=threshold, params=params)
    return {name: _group(found[name], y[of == name], patients[of == name]) for name in sorted(found, key=_order)}


def _group(metrics: Mapping[str, Any], y: npt.NDArray[np.bool_], patients: npt.NDArray) -> Group:
    counts = {
        "images": len(y),
        "patients": len(set(patients)),
        "covid_images": int(y.sum()),
        "covid_patients": len(set(patients[y])),
        "non_covid_images": int((~y).sum()),
        "non_covid_patients": len(set(patients[~y])),
    }
    measured = {name: _metric(name, metrics[name], counts) for name in shown_in("groups")}
    return cast(Group, {**counts, "metrics": measured})


def _metric(name: str, interval: Measured, counts: Mapping[str, int]) -> GroupMeasured:
    needed = [f"{need}_" for need in METRICS[name].needs if need != "sources"]
    subject = needed[0] if len(needed) == 1 else ""
    about = {unit: counts[subject + unit] for unit in ("images", "patients")}
    few = [needed_class for needed_class in needed or [""] if counts[f"{needed_class}patients"] < MIN_PATIENTS]
    if few:
        said = " and ".join(_people(counts[f"{needed_class}patients"], _NAMES[needed_class]) for needed_class in few)
        why = f"{said}; at least {MIN_PATIENTS} are needed"
        return cast(GroupMeasured, {"value": None, "low": None, "high": None, **about, "why": why})
    return cast(GroupMeasured, {**interval, **about})


def _people(count: int, name: str) -> str:
    return f"{count} {name}patient{'' if count == 1 else 's'}"


def _order(group: str) -> tuple[bool, str]:
    """By name; what is not recorded comes last."""
    return group == NOT_RECORDED, group


def as_metrics(groups: GroupsReport) -> dict[str, float]:
    """The values that MLflow keeps, under names that it takes: <factor>/<group>/<metric>."""
    return {
        "/".join(re.sub(r"[^A-Za-z0-9_.-]+", "_", word) for word in (factor, name, metric)): value
        for factor, of_factor in groups.items()
        for name, group in of_factor.items()
        for metric in shown_in("groups in MLflow")
        if (value := group["metrics"][metric]["value"]) is not None
    }
