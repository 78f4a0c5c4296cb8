"""The figures of a run, drawn from probabilities. Each function gives a Figure; nothing global is touched.

Colours are Okabe and Ito's, which colour-blind people tell apart; what a colour says, a word or a shape says too.
Shared arguments: y_true (n,) 0 or 1; p_covid (n,) in [0, 1]; an image is called COVID when p_covid >= threshold;
evaluation: what `cxr.evaluation.metrics.evaluate` gave for them; title: whose result this is, e.g. "inceptionv3, test
patients".
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cxr.common.labels import CLASSES
from cxr.evaluation.curves import pr_points, reliability_points, roc_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILLION = "#D55E00"
GREY = "#767676"
DPI = 130
SAMPLES = 16

Evaluation = Mapping[str, Any]


def confusion_figure(
    y_true: npt.ArrayLike, p_covid: npt.ArrayLike, threshold: float, title: str, *, normalised: bool = False
) -> "Figure":
    """Counts of images, actual class by row; normalised: each row's shares."""
    called = (np.asarray(p_covid) >= threshold).astype(int)
    counts = np.zeros((2, 2), int)
    np.add.at(counts, (np.asarray(y_true, int), called), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _figure(5.2, 4.8)
    shown = shares if normalised else counts
    picture = axes.imshow(shown, cmap="Blues", vmin=0, vmax=1 if normalised else max(int(counts.max()), 1))
    for (row, column), count in np.ndenumerate(counts):
        dark = shown[row, column] > 0.55 * picture.norm.vmax  # type: ignore[operator]
        main, small = (f"{shares[row, column]:.1%}", f"{count:,}") if normalised else (f"{count:,}", "")
        colour = "white" if dark else "black"
        axes.text(column, row - 0.02, main, ha="center", va="center", fontsize=21, color=colour)
        axes.text(column, row + 0.2, small, ha="center", va="center", fontsize=11, color=colour)
    axes.set_xticks(range(2), CLASSES, fontsize=11)
    axes.set_yticks(range(2), CLASSES, fontsize=11, rotation=90, va="center")
    axes.tick_params(length=0)
    axes.set_xlabel("Called", fontsize=11)
    axes.set_ylabel("Actual", fontsize=11)
    figure.colorbar(picture, ax=axes, shrink=0.82, label="Share of the actual class" if normalised else "Images")
    _title(axes, title, f"n = {counts.sum():,} images, threshold {threshold:.3g}")
    return figure


def roc_figure(y_true: npt.ArrayLike, p_covid: npt.ArrayLike, evaluation: Evaluation, title: str) -> "Figure":
    """ROC curve with the operating point and its intervals."""
    points = roc_points(y_true, p_covid)
    figure, axes = _figure(5.2, 5.4)
    axes.plot([0, 1], [0, 1], linestyle=(0, (4, 3)), color=GREY, linewidth=1, label="guessing")
    axes.plot(points["false_positive_rate"], points["true_positive_rate"], color=BLUE, linewidth=2, label="model")
    specificity = evaluation["specificity"]
    sensitivity = evaluation["sensitivity"]
    false_alarms = {"value": 1 - specificity["value"], "low": 1 - specificity["high"], "high": 1 - specificity["low"]}
    label = f"threshold {evaluation['threshold']:.3g}: sensitivity {sensitivity['value']:.3f},\nspecificity "
    _operating_point(axes, false_alarms, sensitivity, label + f"{specificity['value']:.3f}")
    _unit_square(axes, "False positive rate (1 − specificity)", "True positive rate (sensitivity)")
    axes.legend(loc="lower right", frameon=False, fontsize=9.5)
    _title(axes, title, f"AUC {interval_text(evaluation['auc'])}\n{sample_text(evaluation)}")
    return figure


def pr_figure(y_true: npt.ArrayLike, p_covid: npt.ArrayLike, evaluation: Evaluation, title: str) -> "Figure":
    """Precision-recall curve with the operating point, and the share of COVID images as the floor."""
    points = pr_points(y_true, p_covid)
    counts = evaluation["counts"]
    share = counts["covid"] / counts["images"]
    figure, axes = _figure(5.2, 5.4)
    axes.axhline(share, linestyle=(0, (4, 3)), color=GREY, linewidth=1, label=f"guessing ({share:.2f})")
    axes.step(points["recall"], points["precision"], where="pre", color=BLUE, linewidth=2, label="model")
    called = counts["true_positive"] + counts["false_positive"]
    if called:
        at = f"threshold {evaluation['threshold']:.3g}: {counts['true_positive']:,} of {called:,} calls right"
        axes.plot(
            evaluation["sensitivity"]["value"],
            counts["true_positive"] / called,
            marker="o",
            markersize=8,
            color=VERMILLION,
            linestyle="none",
            label=at,
        )
    _unit_square(axes, "Recall (sensitivity)", "Precision, at this data's share of COVID")
    axes.legend(loc="lower left", frameon=False, fontsize=9.5)
    subtitle = f"Average precision {interval_text(evaluation['average_precision'])}\n{sample_text(evaluation)}"
    _title(axes, title, subtitle)
    return figure


def reliability_figure(y_true: npt.ArrayLike, p_covid: npt.ArrayLike, evaluation: Evaluation, title: str) -> "Figure":
    """Share of COVID images by predicted probability, and how many images stand behind each point."""
    from matplotlib.figure import Figure

    points = reliability_points(y_true, p_covid)
    figure = Figure(figsize=(5.2, 6.2), dpi=DPI, layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    axes.plot([0, 1], [0, 1], linestyle=(0, (4, 3)), color=GREY, linewidth=1, label="perfect calibration")
    errors = np.maximum([points["observed"] - points["low"], points["high"] - points["observed"]], 0)
    style = {"fmt": "o-", "color": BLUE, "linewidth": 1.5, "markersize": 5, "capsize": 3, "elinewidth": 1}
    axes.errorbar(points["predicted"], points["observed"], yerr=errors, label="observed, 95% interval", **style)
    _unit_square(axes, "", "Share of images that are COVID")
    axes.set_aspect("auto")  # the panel below shares its width
    axes.legend(loc="upper left", frameon=False, fontsize=9.5)
    below.hist(np.asarray(p_covid), bins=np.linspace(0, 1, 11).tolist(), color=GREY, edgecolor="white")
    below.set_yscale("symlog", linthresh=1)
    below.set_ylabel("Images", fontsize=11)
    below.set_xlabel("Predicted probability of COVID", fontsize=11)
    _frame(below)
    error, brier = (interval_text(evaluation[name]) for name in ("calibration_error", "brier"))
    subtitle = f"calibration error {error}, Brier {brier}"
    _title(axes, title, f"{subtitle}\n{sample_text(evaluation)}")
    return figure


def history_figure(curves: Mapping[str, Sequence[float]], title: str, best_epoch: int | None = None) -> "Figure":
    """Loss and accuracy by epoch. curves: train_loss, train_accuracy, validation_loss, validation_accuracy."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.2), dpi=DPI, layout="constrained")
    epochs = np.arange(1, len(curves["train_loss"]) + 1)
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        train = curves[f"train_{name}"]
        validation = curves[f"validation_{name}"]
        axes.plot(epochs, train, color=ORANGE, linewidth=1.5, linestyle=(0, (5, 1.5)), label="train")
        axes.plot(epochs, validation, color=BLUE, linewidth=2, label="validation")
        if best_epoch is not None:
            axes.axvline(best_epoch, color=GREY, linewidth=1, linestyle=":")
            value = validation[best_epoch - 1]
            label = f"kept: epoch {best_epoch}, {value:.3f}"
            axes.plot(best_epoch, value, marker="o", color=VERMILLION, linestyle="none", label=label)
        axes.set_xlabel("Epoch", fontsize=11)
        axes.set_ylabel("Cross-entropy loss" if name == "loss" else "Accuracy", fontsize=11)
        axes.legend(frameon=False, fontsize=10)
        _frame(axes)
    figure.suptitle(f"{title}\n{len(epochs):,} epochs", fontsize=12)
    return figure


def sample_indices(
    y_true: npt.ArrayLike, p_covid: npt.ArrayLike, threshold: float, rng: np.random.Generator, count: int = SAMPLES
) -> list[int]:
    """Up to `count` images, drawn evenly from right and wrong answers of either class, wrong ones first."""
    y = np.asarray(y_true, bool)
    called = np.asarray(p_covid) >= threshold
    kinds = [rng.permutation(np.flatnonzero((y == label) & (called == answer))) for label, answer in _KINDS]
    turns = [int(kind[i]) for i in range(max(map(len, kinds), default=0)) for kind in kinds if i < len(kind)]
    return sorted(turns[:count], key=lambda i: _KINDS.index((bool(y[i]), bool(called[i]))))


_KINDS = [(True, False), (False, True), (True, True), (False, False)]  # actual, called


def samples_figure(
    pictures: Sequence[npt.NDArray[np.uint8]],
    y_true: npt.ArrayLike,
    p_covid: npt.ArrayLike,
    threshold: float,
    title: str,
) -> "Figure":
    """A grid of the pictures (n of uint8[size, size]) of `sample_indices`: label, answer, and whether it is right."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    columns = min(4, max(len(pictures), 1))
    rows = max(-(-len(pictures) // columns), 1)
    figure = Figure(figsize=(max(2.5 * columns, 7), 2.95 * rows + 0.6), dpi=DPI)
    figure.set_layout_engine(ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.09))
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, picture, label, p in zip(grid, pictures, np.asarray(y_true), np.asarray(p_covid), strict=False):
        right = (p >= threshold) == bool(label)
        axes.set_axis_on()
        axes.set_xticks([])
        axes.set_yticks([])
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
        for edge in axes.spines.values():
            edge.set(color=BLUE if right else VERMILLION, linewidth=3 if right else 6)
        answer = CLASSES[int(p >= threshold)]
        axes.set_title(f"is {CLASSES[int(label)]}\ncalled {answer}, p = {p:.2f}", fontsize=9.5)
        axes.set_xlabel("right" if right else "WRONG", fontsize=10, color=BLUE if right else VERMILLION)
    how = f"p: probability of COVID; threshold {threshold:.3g}; wrong answers are shown first, not in proportion"
    figure.suptitle(f"{title}\n{how}", fontsize=11)
    return figure


def interval_text(interval: Mapping[str, object]) -> str:
    """0.991 (0.982–0.997), or a dash where it is undefined."""
    if interval["value"] is None:
        return "–"
    return f"{interval['value']:.3f} ({interval['low']:.3f}–{interval['high']:.3f})"


def sample_text(evaluation: Evaluation) -> str:
    counts = evaluation["counts"]
    confidence = evaluation["confidence"]
    return f"n = {counts['images']:,} images of {counts['patients']:,} patients; {confidence:.0%} intervals"


def _figure(width: float, height: float) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    return figure, figure.add_subplot()


def _title(axes: "Axes", title: str, subtitle: str) -> None:
    axes.set_title(f"{title}\n{subtitle}", fontsize=10.5, loc="left", linespacing=1.4)


def _frame(axes: "Axes") -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)


def _unit_square(axes: "Axes", x: str, y: str) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set_xlabel(x, fontsize=11)
    axes.set_ylabel(y, fontsize=11)
    _frame(axes)


def _operating_point(axes: "Axes", x: Mapping[str, Any], y: Mapping[str, Any], label: str) -> None:
    reach = [[max(v["value"] - v["low"], 0)] for v in (x, y)], [[max(v["high"] - v["value"], 0)] for v in (x, y)]
    errors = [np.array([reach[0][i], reach[1][i]]) for i in range(2)]
    style: dict[str, Any] = {"fmt": "o", "markersize": 8, "color": VERMILLION, "capsize": 3, "elinewidth": 1.2}
    axes.errorbar(x["value"], y["value"], xerr=errors[0], yerr=errors[1], label=label, zorder=5, **style)
