"""Look for the shortcuts of one backbone's model: what it answers without lungs, within a source, for other sources.

Every backbone is audited, not the winner alone: the stamp must be there before a winner is registered, and which
backbone leans less on shortcuts is worth knowing before one is chosen. So it asks about validation patients, and about
images that are never trained on, but for those of test patients, whose labels may be trained on one day. The audit of
test patients is the stage `sealed`'s, and decides nothing.
"""

import sys
from collections.abc import Iterator

from cxr.audit.checks import Answers, Finding, audit_answers
from cxr.audit.dataset import audited_answers, audited_images, feature_examples, pooled_features, surrogate_head
from cxr.audit.feature_checks import cross_fitted, leave_one_source_out, source_probe
from cxr.audit.probes import gram
from cxr.audit.report_types import AuditReport
from cxr.audit.settings import AuditParams
from cxr.audit.verdict import as_metrics, headline, verdict
from cxr.common.atomic_files import write_json
from cxr.common.config import load_params
from cxr.common.parallel import bar
from cxr.common.paths import FEATURE_CACHE, INDEX, LUNGS, MODEL_REPORTS, PIXELS, SPLIT, TRAINED
from cxr.common.report_files import write_report
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset, label_follows_source
from cxr.data.manifest import write_rows
from cxr.data.predictions import read_probabilities
from cxr.data.settings import SplitParams
from cxr.data.splits import HELD_OUT
from cxr.evaluation.settings import EvaluateParams
from cxr.features.cached_engine import cached_engine
from cxr.inference.engine import Engine
from cxr.inference.lung_segmenter import LungSegmenter
from cxr.networks.registry import Backbone
from cxr.tracking.publishing import recorded
from cxr.training.settings import TrainParams


def main(backbone: Backbone) -> str:
    params = load_params(AuditParams)
    intervals = load_params(EvaluateParams)
    reports = MODEL_REPORTS / backbone
    data = Dataset.read(INDEX, SPLIT, PIXELS).without_test_patients(load_params(SplitParams))
    p_validation = read_probabilities(reports / "validation.csv", data.split("validation"))
    engine = Engine.load(TRAINED / backbone)
    pictures = audited_images(data, LungSegmenter.load_if_trained(LUNGS), "validation", HELD_OUT)
    remembered = cached_engine(engine, FEATURE_CACHE)
    with bar(len(pictures.labels) - len(p_validation), f"audit {backbone}: images never trained on") as advance:
        p_covid = audited_answers(remembered, pictures, p_validation, advance)
    # Nearly all of these are about altered pictures, too many to keep.
    answers = Answers(engine, pictures, p_covid, engine.facts.threshold)
    findings = [*audit_answers(answers, params, intervals), *_on_features(remembered, data, params, intervals)]
    outcome = verdict(findings, params.limits, label_follows_source=label_follows_source(data.split("train").rows))
    write_report(outcome, reports / "audit.json")
    write_json(headline(findings, shortcut_flagged=outcome["shortcut_flagged"]), reports / "audit_headline.json")
    write_rows(findings, Finding, reports / "audit.csv")

    with recorded(reports, "audit") as record:
        record.log_metrics(as_metrics(findings), "audit")
        record.tag(shortcut_flagged=str(outcome["shortcut_flagged"]).lower())
        for name in ("audit.json", "audit.csv"):
            record.log_file(reports / name)
    return f"{backbone}: {_words(outcome)}"


def _on_features(engine: Engine, data: Dataset, params: AuditParams, intervals: EvaluateParams) -> Iterator[Finding]:
    recipe = load_params(TrainParams)
    split, examples = feature_examples(data, params)
    with bar(len(split.rows), "audit: features") as advance:
        products = gram(pooled_features(engine, split, advance))
    fit = surrogate_head(products, examples, recipe.weighting)
    yield from source_probe(products, examples, params, intervals)
    yield from cross_fitted(fit, examples, params, intervals)
    yield from leave_one_source_out(fit, examples, recipe.sensitivity, params, intervals)


def _words(outcome: AuditReport) -> str:
    reasons = outcome["reasons"]
    return f"shortcut_flagged for {len(reasons)} reasons; first: {reasons[0]}" if reasons else "every limit is held"


if __name__ == "__main__":
    run_stage(lambda: main(sys.argv[1]))
