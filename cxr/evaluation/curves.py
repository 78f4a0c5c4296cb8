"""Curves as points: what the figures draw, and the CSV files that `dvc plots` draws.

y_true: (n,) 0 or 1. p_covid: (n,) in [0, 1]. An image is called COVID when p_covid >= threshold.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cxr.common.atomic_files import replace_when_complete
from cxr.common.errors import CxrError
from cxr.common.labels import CLASSES
from cxr.evaluation.history import Epoch
from cxr.evaluation.intervals import share_interval

RELIABILITY_BINS = 10
SPLITS = ("train", "validation")  # of a training history
MOST_POINTS = 1000  # of a file: nobody sees more
Points = dict[str, npt.NDArray[np.float64]]


def roc_points(y_true: npt.ArrayLike, p_covid: npt.ArrayLike) -> Points:
    """threshold (falling), false_positive_rate, true_positive_rate; from (0, 0) to (1, 1), corners only.

    The first threshold is infinite. Raises ValueError where a class is missing.
    """
    from sklearn.metrics import roc_curve

    y = np.asarray(y_true, bool)
    covid = int(y.sum())
    other = len(y) - covid
    if not covid or not other:
        raise ValueError(f"a ROC curve needs both classes, got {covid} COVID and {other} other images")
    false_positive, true_positive, threshold = roc_curve(y, np.asarray(p_covid, float), drop_intermediate=False)
    kept = _corners(np.rint(false_positive * other), np.rint(true_positive * covid))
    return {
        "threshold": threshold[kept],
        "false_positive_rate": false_positive[kept],
        "true_positive_rate": true_positive[kept],
    }


def pr_points(y_true: npt.ArrayLike, p_covid: npt.ArrayLike) -> Points:
    """threshold (falling), recall (rising), precision. Raises ValueError without a COVID image."""
    from sklearn.metrics import precision_recall_curve

    y = np.asarray(y_true, bool)
    if not y.any():
        raise ValueError("a precision-recall curve needs COVID images, got none")
    precision, recall, threshold = precision_recall_curve(y, np.asarray(p_covid, float))
    # The last point is scikit-learn's own: precision 1 at recall 0, which no threshold reaches.
    return {"threshold": threshold[::-1], "recall": recall[-2::-1], "precision": precision[-2::-1]}


def reliability_points(y_true: npt.ArrayLike, p_covid: npt.ArrayLike, bins: int = RELIABILITY_BINS) -> Points:
    """For each filled bin of p_covid: predicted (its mean), observed (share of COVID), low, high, images.

    low, high: Wilson's (1927) 95 % interval of the share, which takes images as independent.
    """
    y = np.asarray(y_true, float)
    p = np.asarray(p_covid, float)
    bin_of = np.clip((p * bins).astype(int), 0, bins - 1)
    images = np.bincount(bin_of, minlength=bins).astype(float)
    filled = images > 0
    predicted = np.bincount(bin_of, p, bins)[filled] / images[filled]
    covid = np.bincount(bin_of, y, bins)[filled]
    pairs = zip(covid.astype(int), images[filled].astype(int), strict=True)
    low, high = np.array([share_interval(int(k), int(n), 0.95, "wilson") for k, n in pairs]).reshape(-1, 2).T
    observed = covid / images[filled]
    return {"predicted": predicted, "observed": observed, "low": low, "high": high, "images": images[filled]}


def write_curves(y_true: npt.ArrayLike, p_covid: npt.ArrayLike, threshold: float, folder: Path) -> None:
    """roc.csv, pr.csv, reliability.csv, and confusion.csv with a row (actual, predicted) for each image."""
    _write_points(_thinned(roc_points(y_true, p_covid)), folder / "roc.csv")
    _write_points(_thinned(pr_points(y_true, p_covid)), folder / "pr.csv")
    _write_points(reliability_points(y_true, p_covid), folder / "reliability.csv")
    called = (np.asarray(p_covid) >= threshold).astype(int)
    pairs = zip(np.asarray(y_true, int), called, strict=True)
    _write_csv(("actual", "predicted"), ((CLASSES[a], CLASSES[c]) for a, c in pairs), folder / "confusion.csv")


def write_history(history: Sequence[Epoch], path: Path) -> None:
    """epoch, split, loss, accuracy: two rows for each epoch."""
    rows = (
        (e.epoch, split, _text(getattr(e, f"{split}_loss")), _text(getattr(e, f"{split}_accuracy")))
        for e in history
        for split in SPLITS
    )
    _write_csv(("epoch", "split", "loss", "accuracy"), rows, path)


def read_history(path: Path) -> dict[str, list[float]]:
    """What `write_history` wrote, as train_loss, train_accuracy, validation_loss, validation_accuracy by epoch."""
    curves: dict[str, list[float]] = {f"{split}_{name}": [] for split in SPLITS for name in ("loss", "accuracy")}
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            for row in csv.DictReader(handle):
                for name in ("loss", "accuracy"):
                    curves[f"{row['split']}_{name}"].append(float(row[name]))
    except FileNotFoundError:
        raise CxrError(f"{path} is missing; `dvc repro` makes it") from None
    except (KeyError, TypeError, ValueError) as fault:
        raise CxrError(f"{path} is not a training history ({fault!r}); run `dvc repro --force train`") from None
    return curves


def _corners(false_positives: npt.NDArray, true_positives: npt.NDArray) -> npt.NDArray[np.bool_]:
    """Which points (n,) to keep: a point half-way on the straight line between its neighbours adds nothing.

    scikit-learn's drop_intermediate leaves the origin out of that comparison and keeps one such point more.
    """
    bends = (np.diff(false_positives, 2) != 0) | (np.diff(true_positives, 2) != 0)
    return np.concatenate([[True], bends, [True]])


def _thinned(points: Points) -> Points:
    count = len(points["threshold"])
    if count <= MOST_POINTS:
        return points
    kept = np.linspace(0, count - 1, MOST_POINTS).round().astype(int)
    return {name: values[kept] for name, values in points.items()}


def _write_points(points: Mapping[str, npt.NDArray], path: Path) -> None:
    columns = [[_text(value) for value in values] for values in points.values()]
    _write_csv(tuple(points), zip(*columns, strict=True), path)


def _write_csv(header: Sequence[str], rows: Iterable[Sequence[Any]], path: Path) -> None:
    with replace_when_complete(path) as partial, partial.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _text(value: float) -> str:
    """Nine digits; nothing for infinity, which plotting programs stumble over."""
    return f"{value:.9g}" if np.isfinite(value) else ""
