"""Measure one backbone's answers about the validation patients: metrics with intervals, by group too, curves, figures.

The test patients are sealed: the stage `sealed` alone asks about them, for the version that was registered.
"""

import sys

from cxr.common.atomic_files import write_json
from cxr.common.config import load_params
from cxr.common.paths import INDEX, MODEL_REPORTS, PIXELS, SPLIT, TRAINED
from cxr.common.report_files import write_report
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset
from cxr.data.predictions import read_probabilities
from cxr.evaluation.curves import write_curves
from cxr.evaluation.figures import evaluation_figures
from cxr.evaluation.metric_catalogue import shown_in
from cxr.evaluation.metrics import classification_report, report_text
from cxr.evaluation.of_split import evaluate_split
from cxr.evaluation.report_types import MetricsReport
from cxr.evaluation.settings import EvaluateParams
from cxr.evaluation.subgroups import as_metrics
from cxr.inference.model_facts import ModelFacts
from cxr.networks.registry import Backbone
from cxr.tracking.publishing import recorded

RECORDED = ("validation.json", "validation_groups.json", "validation.csv", "roc.csv", "pr.csv", "reliability.csv")


def main(backbone: Backbone) -> str:
    reports = MODEL_REPORTS / backbone
    validation = Dataset.read(INDEX, SPLIT, PIXELS).split("validation")
    p_covid = read_probabilities(reports / "validation.csv", validation)
    threshold = ModelFacts.read(TRAINED / backbone / "model.json").threshold
    found = evaluate_split(validation, p_covid, threshold, load_params(EvaluateParams))
    write_report(found.metrics, reports / "validation.json")
    write_report(found.groups, reports / "validation_groups.json")
    write_json(headline(found.metrics), reports / "validation_headline.json")
    write_curves(validation.y, p_covid, threshold, reports)

    with recorded(reports, "evaluate") as record:
        record.log_evaluation(found.metrics, "validation")
        record.log_metrics(as_metrics(found.groups), "validation/groups")
        report = classification_report(validation.y, p_covid, threshold)
        record.log_json("classification_report.json", report)
        record.log_text("classification_report.txt", report_text(report))
        record.log_figures(evaluation_figures(backbone, validation, p_covid, found.metrics, "validation"))
        for name in RECORDED:
            record.log_file(reports / name)
    auc = found.metrics["auc"]
    images = len(validation.rows)
    return f"{backbone}: AUC {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f}) on {images} validation images"


def headline(metrics: MetricsReport) -> dict[str, float | None]:
    """The few numbers that fit a line of `dvc metrics show`."""
    shown: dict[str, float | None] = {name: metrics[name]["value"] for name in shown_in("headline")}  # type: ignore[literal-required]
    auc = metrics["auc"]
    return {**shown, "auc_low": auc["low"], "auc_high": auc["high"]}


if __name__ == "__main__":
    run_stage(lambda: main(sys.argv[1]))
