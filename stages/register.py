"""Pick the winner on sources that training left out, or on validation patients; register it with what its audit found,
try it, and compare it with the champion. A person promotes it (`make promote`), or, with `register.promote: better`,
this stage does."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cxr.audit.report_types import AuditReport, CarriedFacts
from cxr.audit.verdict import carried_facts
from cxr.common.atomic_files import write_json
from cxr.common.config import load_params
from cxr.common.paths import FEATURE_CACHE, GATE, INDEX, LUNGS, MODEL_REPORTS, PIXELS, REPORTS, SPLIT, TRAINED, WINNER
from cxr.common.report_files import read_report, write_report
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset
from cxr.data.predictions import read_probabilities
from cxr.data.settings import SplitParams
from cxr.evaluation.report_types import GateReport, GateSummary, MetricsReport, Precisions
from cxr.evaluation.settings import EvaluateParams
from cxr.inference.bundle import complete_bundle
from cxr.inference.model_facts import ModelFacts
from cxr.promotion.decision import Decision, pick_winner
from cxr.promotion.moves import EXPERIMENT, settle
from cxr.promotion.registration import act_on, check_registered, decide_on
from cxr.promotion.settings import RegisterParams
from cxr.tracking import registry
from cxr.tracking.client import TrainingRecord
from cxr.tracking.publishing import log_winner, publish
from cxr.tracking.report_types import RegisterReport
from cxr.training.settings import TrainParams
from cxr.unseen import summary as unseen
from cxr.unseen.report_types import CarriedUnseen, UnseenReport
from serving import store

UNSEEN = "unseen_auc"
FALLBACK = "balanced_auc"
# Tags of the run that the version has too, and with it the model in BentoML's store.
REVISIONS = {
    "mlflow.source.git.commit": "git_commit",
    "cxr.index_sha256": "data_sha256",
    "cxr.split_sha256": "split_sha256",
}
SHOWN = ("auc", "balanced_auc", "sensitivity", "specificity", "calibration_error")  # in winner.json
REASONS_SHOWN = 5  # in the registry's description; the run's audit.json has all


class Findings(CarriedFacts):
    """What model.json says besides what training knew."""

    precisions: Precisions
    gate: GateSummary
    unseen: CarriedUnseen


def main() -> str:
    params = load_params(RegisterParams)
    experiment = os.environ.get(EXPERIMENT, "")
    if not experiment:
        settle(params.model, store)
    metric, values, why_not = values_to_pick_by(params)
    winner = pick_winner({name: {metric: value} for name, value in values.items()}, metric)
    reports = MODEL_REPORTS / winner
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    validation = data.split("validation")
    metrics = read_report(MetricsReport, reports / "validation.json")

    # This store may never have heard of the project: it is told of every backbone, from the files alone.
    published = {name: publish(MODEL_REPORTS / name) for name in values}
    record = published[winner]
    whose = "sources that training left out" if metric == UNSEEN else "the validation patients"
    why = f"highest {metric} on {whose} of {', '.join(values)}{why_not}"
    log_winner(record, metrics, why)
    version = registered(params.model, winner, metrics, record)
    p_covid = read_probabilities(reports / "validation.csv", validation)
    check_registered(version, validation, p_covid)
    decision = compared(version, data, p_covid)
    outcome = act_on(version, decision, params.promote, store, experiment)
    stated: RegisterReport = {
        "winner": winner,
        "why": why,
        "validation": values,
        "version": version.number,
        "better": decision.promote,
        "promoted": outcome.promoted,
        "reason": outcome.said,
    }
    write_report(stated, REPORTS / "register.json")
    write_json(winner_numbers(winner, metrics), WINNER)
    return f"{winner} has the {why}; {version} {outcome.said}"


def winner_numbers(winner: str, metrics: MetricsReport) -> dict[str, str | float | None]:
    """What winner.json holds, a metric of DVC's: the backbone, its validation numbers, and the yardstick's."""
    of_validation = {f"validation_{name}": metrics[name]["value"] for name in SHOWN}  # type: ignore[literal-required]
    yardstick = read_report(UnseenReport, MODEL_REPORTS / winner / "unseen.json")["unseen_auc"]
    return {"backbone": winner, **of_validation, UNSEEN: yardstick["value"]}


def compared(version: registry.Version, data: Dataset, p_covid: np.ndarray) -> Decision:
    """The version against the champion, on the present validation patients. p_covid: (n,), the version's answers."""
    split = data.split_fingerprint(load_params(SplitParams))
    return decide_on(version, split, data.split("validation"), load_params(EvaluateParams), FEATURE_CACHE, p_covid)


def values_to_pick_by(params: RegisterParams) -> tuple[str, dict[str, float | None], str]:
    """The metric that picks the winner, its value by backbone, and why it is another than params.yaml names.

    Where a backbone has no `unseen_auc`, `FALLBACK` on the validation patients picks.
    """
    backbones = load_params(TrainParams).backbones
    if params.metric != UNSEEN:
        return params.metric, validation_values(backbones, params.metric), ""
    reports = {name: read_report(UnseenReport, MODEL_REPORTS / name / "unseen.json") for name in backbones}
    values = {name: report["unseen_auc"]["value"] for name, report in reports.items()}
    missing = [report["why"] for name, report in reports.items() if values[name] is None]
    if not missing:
        return UNSEEN, values, ""
    return FALLBACK, validation_values(backbones, FALLBACK), f", since there is no {UNSEEN}: {missing[0]}"


def validation_values(backbones: Sequence[str], metric: str) -> dict[str, float | None]:
    """By backbone, the metric on the validation patients."""
    reports = {name: read_report(MetricsReport, MODEL_REPORTS / name / "validation.json") for name in backbones}
    return {name: report[metric]["value"] for name, report in reports.items()}  # type: ignore[literal-required]


def registered(model: str, winner: str, metrics: MetricsReport, record: TrainingRecord) -> registry.Version:
    """The winner's bundle in the registry under the name `model`, with what later stages found out about it."""
    found = findings(MODEL_REPORTS / winner)
    tags = {
        "backbone": winner,
        "validation_auc": f"{metrics['auc']['value']:.4f}",
        "group": record.spec.group,
        "shortcut_flagged": str(found["shortcut_flagged"]).lower(),
        **{name: record.origin[tag] for tag, name in REVISIONS.items() if tag in record.origin},
    }
    blocks = ModelFacts.read(TRAINED / winner / "model.json").fine_tuned_blocks
    description = f"{found['unseen']['says']} {described(winner, blocks, metrics)} {_stamp(found)}"
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle"
        complete_bundle(bundle, TRAINED / winner, found, parts())
        return registry.register_model(model, bundle, record.run_id, description, tags)


def findings(reports: Path) -> Findings:
    """What other stages found out about the model, for model.json and so for GET /model. reports: of its backbone."""
    return {
        "precisions": read_report(Precisions, reports / "precision.json"),
        "gate": read_report(GateReport, REPORTS / "gate.json")["summary"],
        "unseen": unseen.carried_facts(read_report(UnseenReport, reports / "unseen.json")),
        **carried_facts(read_report(AuditReport, reports / "audit.json")),
    }


def parts() -> dict[str, Path]:
    """What other stages add to the bundle, by name; there is no segmenter where no source brings lung masks."""
    lungs = [file for file in (LUNGS / "lungs.xml", LUNGS / "lungs.bin") if file.is_file()]
    return {file.name: file for file in (GATE / "gate.npz", *lungs)}


def described(backbone: str, blocks: int, metrics: MetricsReport) -> str:
    """The model in the registry's words. blocks: how many at the trunk's end were trained too. metrics: of the
    validation patients."""
    trunk = f"{backbone}, its last {blocks} blocks trained too," if blocks else f"Frozen {backbone}"
    auc, sensitivity, specificity = (
        "{value:.3f} ({low:.3f} to {high:.3f})".format(**metrics[name])
        for name in ("auc", "sensitivity", "specificity")
    )
    return (
        f"{trunk} with a linear head. On {metrics['counts']['images']} images of "
        f"{metrics['counts']['patients']} validation patients, who chose its epoch, calibration and threshold: AUC "
        f"{auc}, sensitivity {sensitivity}, specificity {specificity} at threshold {metrics['threshold']:.3f}. The "
        "sealed test, once taken, is in the tags sealed/… Not a medical device; on this pair of collections "
        "such numbers say little about other hospitals (docs/limits.md). Report and model card: the run's artifacts, "
        "folder card."
    )


def _stamp(found: CarriedFacts) -> str:
    reasons = found["audit"]["reasons"]
    if not found["shortcut_flagged"]:
        return "The shortcut audit found every limit held."
    shown = "; ".join(reasons[:REASONS_SHOWN])
    more = f"; and {len(reasons) - REASONS_SHOWN} more in audit.json" if len(reasons) > REASONS_SHOWN else ""
    return f"Stamped shortcut_flagged: {shown}{more}."


if __name__ == "__main__":
    run_stage(main)
