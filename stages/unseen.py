"""Train one backbone's recipe without each pair of sources in turn, and ask those models about the pair: what an unseen
hospital would see. Test patients take no part."""

import sys

from cxr.common.atomic_files import write_json
from cxr.common.config import load_params
from cxr.common.paths import FEATURE_CACHE, FEATURES, INDEX, MODEL_REPORTS, PIXELS, SPLIT, UNSEEN_CACHE
from cxr.common.report_files import write_report
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset
from cxr.data.manifest import write_rows
from cxr.evaluation.settings import EvaluateParams
from cxr.features.settings import FeaturesParams
from cxr.networks.registry import Backbone
from cxr.tracking.publishing import recorded
from cxr.training.settings import TrainParams
from cxr.unseen.figure import matrix_figure
from cxr.unseen.plan import plan_folds
from cxr.unseen.report_types import MatrixRow, RiskRow, UnseenReport
from cxr.unseen.settings import UnseenParams
from cxr.unseen.summary import (
    SWITCHED_OFF,
    as_metrics,
    headline,
    matrix,
    not_measured,
    risk_curve,
    sentence,
    summarise,
)
from cxr.unseen.training import FoldTrainer, fold_pictures


def main(backbone: Backbone) -> str:
    params = load_params(UnseenParams)
    reports = MODEL_REPORTS / backbone
    report = measured(backbone, params) if params.enabled else not_measured(SWITCHED_OFF)
    cells = matrix(report)
    write_report(report, reports / "unseen.json")
    write_json(headline(report), reports / "unseen_headline.json")
    write_rows(cells, MatrixRow, reports / "unseen.csv")
    write_rows(risk_curve(report), RiskRow, reports / "unseen_risk.csv")

    with recorded(reports, "unseen") as record:
        record.log_metrics(as_metrics(report))
        if report["pairs"]:
            record.log_figures({"unseen": matrix_figure(cells, f"{backbone}, unseen sources")})
        for name in ("unseen.json", "unseen.csv", "unseen_risk.csv"):
            record.log_file(reports / name)
    return f"{backbone}: {sentence(report)}"


def measured(backbone: Backbone, params: UnseenParams) -> UnseenReport:
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    pictures = fold_pictures(data)
    plan = plan_folds(pictures.columns)
    intervals = load_params(EvaluateParams)
    if not plan.folds:  # then no cache need be complete
        return summarise(pictures.columns, plan, {}, params.seeds, intervals)
    recipe = (load_params(TrainParams), load_params(FeaturesParams))
    trainer = FoldTrainer.open(backbone, data, FEATURES / backbone, recipe, FEATURE_CACHE, UNSEEN_CACHE)
    answers = trainer.all_answers(plan.folds, params.seeds)
    return summarise(pictures.columns, plan, answers, params.seeds, intervals)


if __name__ == "__main__":
    run_stage(lambda: main(sys.argv[1]))
