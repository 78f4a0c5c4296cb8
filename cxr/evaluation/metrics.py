"""What a model's probabilities are worth: metrics with intervals that treat the patient, not the image, as the unit.

Shared arguments: y_true (n,) 0 or 1 (1 is COVID); p_covid (n,) in [0, 1]; patients (n,) ids, of which several
images may share one; an image is called COVID when p_covid >= threshold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cxr.common.labels import CLASSES
from cxr.evaluation.intervals import debiased_root, percentile_interval, share_interval
from cxr.evaluation.metric_catalogue import METRICS, Sample, statistics
from cxr.evaluation.settings import EvaluateParams
from cxr.evaluation.weighted_metrics import Array, negative_predictive_value, positive_predictive_value

BLOCK_VALUES = 2_000_000  # weights held at once: 16 MB a temporary, whatever the number of images

Interval = dict[str, float | None]


@dataclass(frozen=True)
class Difference:
    """A metric of one model minus another's, on the same patients. low, high: percentile interval.

    degenerate_resamples: draws that missed a whole class; they are left out.
    """

    metric: str
    value: float
    low: float
    high: float
    degenerate_resamples: int


def evaluate(
    y_true: npt.ArrayLike,
    p_covid: npt.ArrayLike,
    patients: Sequence[str],
    threshold: float,
    params: EvaluateParams,
    *,
    sources: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Every metric as {"value", "low", "high"}, and what they were computed on, ready for JSON.

    sources: (n,); without them, the metrics that need them are left out. Where only one class is present, what needs
    both is null. "exact" lists the metrics whose interval is not the bootstrap's but Clopper and Pearson's (see
    `_bootstrap_intervals`), "no_spread" those for which every resample gave the same value and no better interval is
    known: their width of 0 is not certainty.
    """
    y, p, index = checked(y_true, p_covid, patients)
    whole = _whole(y, p, threshold, params, None if sources is None else np.asarray(sources))
    intervals, notes = _bootstrap_intervals(whole, index, params)
    tp, fp, fn, tn = (int(cell[0]) for cell in whole.counts)
    counts = {
        "images": len(y),
        "patients": len(set(patients)),
        "covid": int(y.sum()),
        "non_covid": int((~y).sum()),
        "true_positive": tp,
        "false_positive": fp,
        "false_negative": fn,
        "true_negative": tn,
        "resamples": params.resamples,
        "degenerate_resamples": notes["degenerate_resamples"],
    }
    settings = {"threshold": float(threshold), "prevalence": params.prevalence, "confidence": params.confidence}
    return {**intervals, "counts": counts, **settings, "exact": notes["exact"], "no_spread": notes["no_spread"]}


def evaluate_by(
    groups: Sequence[str],
    y_true: npt.ArrayLike,
    p_covid: npt.ArrayLike,
    patients: Sequence[str],
    *,
    threshold: float,
    params: EvaluateParams,
) -> dict[str, dict[str, Any]]:
    """`evaluate` within each group. groups: (n,) e.g. each image's view; images of group "" are left out."""
    y = np.asarray(y_true)
    p = np.asarray(p_covid)
    ids = np.asarray(patients)
    of = np.asarray(groups)
    return {
        group: evaluate(y[of == group], p[of == group], list(ids[of == group]), threshold, params)
        for group in sorted(set(groups) - {""})
    }


def _bootstrap_intervals(
    whole: Sample, index: npt.NDArray[np.intp], params: EvaluateParams
) -> tuple[dict[str, Interval], dict[str, Any]]:
    """Percentile intervals over resampled patients (Efron & Tibshirani 1993), and notes on how they came about.

    A resample draws as many patients as there are, with replacement, and keeps all images of each. One that
    lacks a class which the data has is degenerate: left out and counted. Where all resamples agree on 0 or 1,
    as at a sensitivity of 1.00, a bootstrap has nothing to say; Clopper & Pearson (1934) with one trial a
    patient does, and ppv and npv follow from it. Metrics whose spread is not
    "percentile" have another interval, or none (cxr/evaluation/metric_catalogue.py).
    """
    draws, degenerate = _resampled(index, params, whole)
    values = statistics(whole)
    intervals = {name: _interval(name, value[0], draws[0][name], params.confidence) for name, value in values.items()}
    # The notes speak of the plain metrics; those that weigh by source are left out.
    flat = [name for name in intervals if "sources" not in METRICS[name].needs and _has_no_spread(intervals[name])]
    exact = _replace_by_exact(intervals, flat, whole.y, index, params)
    notes = {
        "degenerate_resamples": degenerate,
        "exact": exact,
        "no_spread": [name for name in flat if name not in exact],
    }
    return intervals, notes


def paired_difference(
    y_true: npt.ArrayLike,
    p_first: npt.ArrayLike,
    p_second: npt.ArrayLike,
    patients: Sequence[str],
    params: EvaluateParams,
    *,
    metric: str = "auc",
    thresholds: tuple[float, float] = (0.5, 0.5),
) -> Difference:
    """First minus second, with both models seeing the same resampled patients, so that a hard draw is hard for both.

    Raises ValueError when the metric is undefined on this data, as AUC is with one class only.
    """
    y, first, index = checked(y_true, p_first, patients)
    _, second, _ = checked(y_true, p_second, patients)
    allowed = [name for name, one in METRICS.items() if "sources" not in one.needs and one.spread == "percentile"]
    if metric not in allowed:
        raise ValueError(f"metric {metric!r} is not one of {', '.join(allowed)}")
    models = [_whole(y, p, threshold, params) for p, threshold in zip((first, second), thresholds, strict=True)]
    a, b = (METRICS[metric].compute(model)[0] for model in models)
    if np.isnan(a - b):
        raise ValueError(f"{metric} is undefined on {int(y.sum())} COVID and {int((~y).sum())} other images")
    draws, degenerate = _resampled(index, params, *models)
    difference, low, high = percentile_interval(
        float(a - b), _defined(draws[0][metric] - draws[1][metric]), params.confidence
    )
    return Difference(metric, difference, low, high, degenerate)


def checked(
    y_true: npt.ArrayLike, p_covid: npt.ArrayLike, patients: Sequence[str]
) -> tuple[npt.NDArray[np.bool_], Array, npt.NDArray[np.intp]]:
    """Labels as bool, probabilities as float64, patients as an index from 0. Raises ValueError on anything odd."""
    y = np.asarray(y_true)
    p = np.asarray(p_covid, float)
    if y.ndim != 1 or y.shape != p.shape or len(y) != len(patients) or not len(y):
        raise ValueError(
            f"y_true {y.shape}, p_covid {p.shape} and patients ({len(patients)},) must be equally long, not empty"
        )
    if not np.isin(y, (0, 1)).all():
        raise ValueError(f"y_true must hold 0 and 1 only, got {np.unique(y)[:5]}")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p_covid must lie in [0, 1], got {p[~((p >= 0) & (p <= 1))][0]}")
    return y.astype(bool), p, np.unique(np.asarray(patients), return_inverse=True)[1]


def classification_report(y_true: npt.ArrayLike, p_covid: npt.ArrayLike, threshold: float) -> dict[str, Any]:
    """Precision, recall, F1 and support by class, accuracy, and their means, as scikit-learn gives them.

    Precision here is the share among these images' calls; ppv in `evaluate` is at a stated prevalence.
    """
    from sklearn import metrics

    called = np.asarray(p_covid, float) >= threshold
    report: dict[str, Any] = metrics.classification_report(
        np.asarray(y_true, int),
        called.astype(int),
        labels=range(len(CLASSES)),
        target_names=CLASSES,
        output_dict=True,
        zero_division=0,
    )
    return {name: _with_whole_support(row) if isinstance(row, dict) else row for name, row in report.items()}


def report_text(report: dict[str, Any]) -> str:
    """The classification report as a table of fixed columns."""
    lines = [f"{'':>14}{'precision':>11}{'recall':>9}{'f1-score':>10}{'support':>9}"]
    for name, row in report.items():
        if name == "accuracy":
            lines.append(f"{name:>14}{'':>11}{'':>9}{row:>10.3f}{report['macro avg']['support']:>9}")
        else:
            precision, recall, f1, support = row.values()
            lines.append(f"{name:>14}{precision:>11.3f}{recall:>9.3f}{f1:>10.3f}{support:>9}")
    return "\n".join(lines) + "\n"


def _with_whole_support(row: dict[str, float]) -> dict[str, float]:
    """scikit-learn counts images in floats."""
    return {**row, "support": int(row["support"])}


def _whole(
    y: npt.NDArray[np.bool_], p: Array, threshold: float, params: EvaluateParams, sources: npt.NDArray | None = None
) -> Sample:
    """Every image once."""
    return Sample(y, p, threshold, params.prevalence, np.ones((1, len(y))), sources)


def _resampled(
    index: npt.NDArray[np.intp], params: EvaluateParams, *models: Sample
) -> tuple[list[dict[str, Array]], int]:
    """For each model's whole sample every metric over the usable resamples, and how many were not usable."""
    parts: list[list[dict[str, Array]]] = [[] for _ in models]
    usable = 0
    for weights in _weight_blocks(index, params):
        kept = weights[_has_classes_of(models[0].y, weights)]
        usable += len(kept)
        for part, whole in zip(parts, models, strict=True):
            part.append(statistics(replace(whole, weights=kept)))
    joined = [{name: np.concatenate([block[name] for block in part]) for name in part[0]} for part in parts]
    return joined, params.resamples - usable


def _weight_blocks(index: npt.NDArray[np.intp], params: EvaluateParams) -> Iterator[Array]:
    """Rows of image weights (b, n), `params.resamples` in all: how often each image's patient was drawn."""
    rng = np.random.default_rng(params.seed)
    n_patients = int(index.max()) + 1
    equal = np.full(n_patients, 1 / n_patients)
    block = max(1, BLOCK_VALUES // len(index))
    for start in range(0, params.resamples, block):
        drawn = rng.multinomial(n_patients, equal, size=min(block, params.resamples - start))
        yield drawn[:, index].astype(float)


def _has_classes_of(y: npt.NDArray[np.bool_], weights: Array) -> npt.NDArray[np.bool_]:
    covid = weights @ y
    other = weights @ ~y
    return ((covid > 0) | (not y.any())) & ((other > 0) | y.all())


def _interval(name: str, value: float, draws: Array, confidence: float) -> Interval:
    spread = METRICS[name].spread
    if np.isnan(value):
        return {"value": None, "low": None, "high": None}
    if spread == "none":
        return {"value": float(value), "low": None, "high": None}
    made = {"percentile": percentile_interval, "root_debiased": debiased_root}[spread]
    middle, low, high = made(float(value), _defined(draws), confidence)
    return {"value": middle, "low": low, "high": high}


def _defined(draws: Array) -> Array:
    defined = draws[~np.isnan(draws)]
    if not len(defined):
        raise ValueError("no resample held both classes; the split needs more than one patient of each")
    return defined


def _has_no_spread(interval: Interval) -> bool:
    return interval["low"] is not None and interval["low"] == interval["high"]


def _replace_by_exact(
    intervals: dict[str, Interval],
    flat: list[str],
    y: npt.NDArray[np.bool_],
    index: npt.NDArray[np.intp],
    params: EvaluateParams,
) -> list[str]:
    """Change in place the intervals without spread for which an exact one is known; gives their names."""
    trials = {"sensitivity": index[y], "specificity": index[~y], "accuracy": index}
    exact = [name for name in flat if name in trials and intervals[name]["value"] in (0.0, 1.0)]
    for name in exact:
        patients = len(np.unique(trials[name]))
        successes = patients if intervals[name]["value"] == 1 else 0
        low, high = share_interval(successes, patients, params.confidence, "exact")
        intervals[name].update(low=low, high=high)
    predictive: dict[Literal["ppv", "npv"], Any] = {"ppv": positive_predictive_value, "npv": negative_predictive_value}
    for name, function in predictive.items():
        if name in flat and {"sensitivity", "specificity"} & set(exact):
            bounds = [[intervals[rate][end] for end in ("low", "high")] for rate in ("sensitivity", "specificity")]
            low, high = function(*np.asarray(bounds, float), params.prevalence)
            intervals[name].update(low=float(np.nan_to_num(low)), high=float(high))
            exact.append(name)
    return exact
