"""The figures of the report as SVG that can stand in a page: scaled by it, described in words, free of addresses."""

import io
import re
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape

from cxr.common.labels import label_index
from cxr.evaluation import plots
from cxr.report.facts import ReportFacts

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def report_figures(facts: ReportFacts) -> dict[str, Markup]:
    """roc, precision_recall, reliability, confusion, history: of the winner, the first four on `facts.shown`."""
    model = facts.model
    shown = facts.shown
    metrics = shown.metrics
    y = np.array([label_index(row.label) for row in shown.predictions])
    p = np.array([float(row.p_covid) for row in shown.predictions])
    counts = metrics["counts"]
    title = f"{facts.winner}, {shown.whose} patients"
    text = plots.interval_text
    drawn = {
        "roc": (
            plots.roc_figure(y, p, metrics, title),
            f"ROC curve; area {text(metrics['auc'])}. At the threshold sensitivity is {text(metrics['sensitivity'])}, "
            f"specificity {text(metrics['specificity'])}.",
        ),
        "precision_recall": (
            plots.pr_figure(y, p, metrics, title),
            f"Precision against recall; average precision {text(metrics['average_precision'])}.",
        ),
        "reliability": (
            plots.reliability_figure(y, p, metrics, title),
            "Share of COVID images by predicted probability; calibration error (root mean "
            f"square) {text(metrics['calibration_error'])}. Points on the diagonal would be perfectly calibrated.",
        ),
        "confusion": (
            plots.confusion_figure(y, p, metrics["threshold"], title),
            f"Confusion matrix: {counts['true_positive']} COVID images called COVID, {counts['false_negative']} called "
            f"NonCOVID; {counts['true_negative']} NonCOVID images called NonCOVID, {counts['false_positive']} called "
            "COVID.",
        ),
        "history": (
            plots.history_figure(model.history, f"{facts.winner}: training", model.best_epoch),
            f"Loss and accuracy by epoch on training and validation images; epoch {model.best_epoch} was kept.",
        ),
    }
    return {name: inline_svg(figure, name, words) for name, (figure, words) in drawn.items()}


def inline_svg(figure: "Figure", name: str, words: str) -> Markup:
    """name: unique on the page, as ids are made of it. words: what the figure shows, for those who cannot see it."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), io.StringIO() as drawn:
        figure.savefig(drawn, format="svg", metadata={"Date": None})
        text = drawn.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    head, rest = text.split(">", 1)
    view = re.search(r'viewBox="[^"]*"', head)
    if view is None:
        raise ValueError("the figure has no viewBox")
    rest = re.sub(r'(\bid="|href="#|url\(#)', rf"\1{name}-", rest)
    rest = re.sub(r' xmlns(:\w+)?="[^"]*"', "", rest)
    return Markup(f'<svg class="figure" role="img" aria-label="{escape(words)}" {view[0]}>{rest}')  # noqa: S704
