"""Ask one backbone's engine about the sealed test patients: metrics with intervals, by group too, curves, figures."""

import sys
from typing import cast

import numpy as np

from cxr.common.atomic_files import write_json
from cxr.common.config import load_params
from cxr.common.parallel import bar
from cxr.common.paths import FEATURE_CACHE, INDEX, MODEL_REPORTS, PIXELS, SPLIT, TRAINED
from cxr.common.report_files import write_report
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset, Split
from cxr.data.predictions import read_probabilities, write_predictions
from cxr.evaluation.curves import write_curves
from cxr.evaluation.figures import evaluation_figures
from cxr.evaluation.metric_catalogue import shown_in
from cxr.evaluation.metrics import classification_report, evaluate, report_text
from cxr.evaluation.report_types import MetricsReport
from cxr.evaluation.settings import EvaluateParams
from cxr.evaluation.subgroups import as_metrics, evaluate_groups
from cxr.features.cached_engine import cached_engine
from cxr.inference.engine import Engine
from cxr.networks.registry import Backbone
from cxr.tracking.publishing import recorded

RECORDED = ("metrics.json", "groups.json", "predictions.csv", "roc.csv", "pr.csv", "reliability.csv")


def main(backbone: Backbone) -> str:
    params = load_params(EvaluateParams)
    reports = MODEL_REPORTS / backbone
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    test = data.split("test")
    validation = data.split("validation")
    engine = cached_engine(Engine.load(TRAINED / backbone), FEATURE_CACHE)
    threshold = engine.facts.threshold
    with bar(len(test.rows), f"evaluate {backbone}") as advance:
        p_test = engine.predict(test.pixels, advance)
    p_validation = read_probabilities(reports / "validation.csv", validation)
    metrics = _evaluated(test, p_test, threshold, params)
    # Tuned on: it picks the winner, and is never shown as a result.
    tuned = _evaluated(validation, p_validation, threshold, params)
    write_predictions(test, p_test, reports / "predictions.csv")
    write_report(metrics, reports / "metrics.json")
    groups = evaluate_groups(test.rows, test.y, p_test, threshold, params)
    write_report(groups, reports / "groups.json")
    write_json(headline(metrics), reports / "headline.json")
    write_report(tuned, reports / "validation.json")
    write_curves(test.y, p_test, threshold, reports)

    with recorded(reports, "evaluate") as record:
        record.log_evaluation(metrics, "test")
        record.log_metrics(as_metrics(groups), "test/groups")
        record.log_evaluation(tuned, "validation")
        report = classification_report(test.y, p_test, threshold)
        record.log_json("classification_report.json", report)
        record.log_text("classification_report.txt", report_text(report))
        record.log_figures(evaluation_figures(backbone, test, p_test, metrics))
        for name in RECORDED:
            record.log_file(reports / name)
    auc = metrics["auc"]
    return f"{backbone}: AUC {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f}) on {len(test.rows)} test images"


def _evaluated(split: Split, p_covid: np.ndarray, threshold: float, params: EvaluateParams) -> MetricsReport:
    sources = [row.source for row in split.rows]
    measured = evaluate(split.y, p_covid, list(split.patients), threshold, params, sources=sources)
    return cast(MetricsReport, measured)


def headline(metrics: MetricsReport) -> dict[str, float | None]:
    """The few numbers that fit a line of `dvc metrics show`."""
    shown: dict[str, float | None] = {name: metrics[name]["value"] for name in shown_in("headline")}  # type: ignore[literal-required]
    auc = metrics["auc"]
    return {**shown, "auc_low": auc["low"], "auc_high": auc["high"]}


if __name__ == "__main__":
    run_stage(lambda: main(sys.argv[1]))
