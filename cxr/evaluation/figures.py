"""The figures that a run of one backbone shows in MLflow, by file name."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cxr.data.dataset import Split
from cxr.evaluation import plots
from cxr.evaluation.network_figure import network_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def training_figures(
    backbone: str, curves: Mapping[str, Sequence[float]], best_epoch: int, layers: Sequence[Mapping[str, Any]]
) -> "dict[str, Figure]":
    """curves: of `cxr.evaluation.curves.read_history`. layers: of `cxr.networks.backbones.layer_table`, with the
    head's."""
    return {
        "history": plots.history_figure(curves, f"{backbone}: training", best_epoch),
        "network": network_figure(layers, backbone),
    }


def evaluation_figures(
    backbone: str, split: Split, p_covid: np.ndarray, metrics: Mapping[str, Any], whose: str
) -> "dict[str, Figure]":
    """metrics: of `cxr.evaluation.metrics.evaluate` on the images of `split`. whose: "validation" or "test"."""
    y = split.y
    threshold = metrics["threshold"]
    title = f"{backbone}, {whose} patients"
    shown = plots.sample_indices(y, p_covid, threshold, np.random.default_rng(0))
    pictures = [split.picture(i) for i in shown]
    return {
        "confusion": plots.confusion_figure(y, p_covid, threshold, title),
        "confusion_normalised": plots.confusion_figure(y, p_covid, threshold, title, normalised=True),
        "roc": plots.roc_figure(y, p_covid, metrics, title),
        "precision_recall": plots.pr_figure(y, p_covid, metrics, title),
        "reliability": plots.reliability_figure(y, p_covid, metrics, title),
        "samples": plots.samples_figure(pictures, y[shown], p_covid[shown], threshold, title),
    }


def head_layers(kind: str, shape: Sequence[int]) -> list[dict[str, Any]]:
    """The head as rows of the layer table: what training puts behind a trunk of output shape (h, w, c)."""
    height, width, channels = shape
    pooled = channels if kind == "average" else height * width * channels
    first = ("global_average", "GlobalAveragePooling2D") if kind == "average" else ("flatten", "Flatten")
    rows = [(*first, [pooled]), ("dropout", "Dropout", [pooled]), ("softmax", "Dense", [2])]
    return [{"name": name, "type": type_, "output_shape": size} for name, type_, size in rows]
