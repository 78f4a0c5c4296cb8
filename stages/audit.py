"""Look for the shortcuts of one backbone's model: what it answers without lungs, within a source, for other sources.

Every backbone is audited, not the winner alone: the stamp must be there before a winner is registered, and which
backbone leans less on shortcuts is worth knowing before one is chosen.
"""

import sys
from collections.abc import Iterator
from typing import Any

from cxr.audit_data import audited_answers, audited_pictures, feature_examples, pooled_features, standin
from cxr.audit_params import AuditParams
from cxr.curves import read_history
from cxr.dataset import Dataset, label_follows_source
from cxr.engine import Engine
from cxr.feature_audit import cross_fitted, leave_one_source_out, source_probe
from cxr.files import write_json
from cxr.layout import BANK, INDEX, LUNGS, MODEL_REPORTS, PIXELS, SPLIT, TRAINED
from cxr.lungs import LungSegmenter
from cxr.manifest import write_rows
from cxr.parallel import bar
from cxr.params import Backbone, EvaluateParams, TrainParams, load_params
from cxr.predictions import read_probabilities
from cxr.probes import gram
from cxr.remembering import remembering
from cxr.shortcuts import Finding, audit_answers
from cxr.stage import run_stage
from cxr.tracking.runs import resume_run
from cxr.verdict import as_metrics, headline, verdict


def main(backbone: Backbone) -> str:
    params, intervals = load_params(AuditParams, "audit"), load_params(EvaluateParams, "evaluate")
    reports, data = MODEL_REPORTS / backbone, Dataset.read(INDEX, SPLIT, PIXELS)
    p_test = read_probabilities(reports / "predictions.csv", data.side("test"))
    engine = Engine.load(TRAINED / backbone)
    pictures = audited_pictures(data, LungSegmenter.load_if_trained(LUNGS))
    remembered = remembering(engine, BANK)
    with bar(len(pictures.labels) - len(p_test), f"audit {backbone}: images never trained on") as advance:
        p_covid = audited_answers(remembered, pictures, p_test, advance)
    # Nearly all of these are about altered pictures, too many to keep.
    answers = audit_answers(engine, pictures, p_covid, engine.facts["threshold"], params, intervals)
    findings = [*answers, *_on_features(remembered, data, params, intervals)]
    outcome = verdict(findings, params.limits, label_follows_source=label_follows_source(data.side("train").rows))
    write_json(outcome, reports / "audit.json")
    write_json(headline(findings, shortcut_flagged=outcome["shortcut_flagged"]), reports / "audit_headline.json")
    write_rows(findings, Finding, reports / "audit.csv")

    record = resume_run(reports / "run.json", read_history(reports / "history.csv"))
    record.log_metrics(as_metrics(findings))
    record.tag(shortcut_flagged=str(outcome["shortcut_flagged"]).lower())
    for name in ("audit.json", "audit.csv"):
        record.log_file(reports / name)
    return f"{backbone}: {_words(outcome)}"


def _on_features(engine: Engine, data: Dataset, params: AuditParams, intervals: EvaluateParams) -> Iterator[Finding]:
    recipe = load_params(TrainParams, "train")
    side, examples = feature_examples(data, params)
    with bar(len(side.rows), "audit: features") as advance:
        products = gram(pooled_features(engine, side, advance))
    fit = standin(products, examples, recipe.weighting)
    yield from source_probe(products, examples, params, intervals)
    yield from cross_fitted(fit, examples, params, intervals)
    yield from leave_one_source_out(fit, examples, recipe.sensitivity, params, intervals)


def _words(outcome: dict[str, Any]) -> str:
    reasons = outcome["reasons"]
    return f"shortcut_flagged for {len(reasons)} reasons; first: {reasons[0]}" if reasons else "every limit is held"


if __name__ == "__main__":
    run_stage(lambda: main(sys.argv[1]))  # type: ignore[arg-type]
