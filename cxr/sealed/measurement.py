"""A registered version asked about the test patients: numbers with intervals, curves, and the arms of the audit that
need nobody but them. What is found goes into files, and into no decision."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np

from cxr.audit.checks import Answers, Finding, calls_by_source, same_source, without_lungs
from cxr.audit.dataset import audited_images
from cxr.audit.report_types import FindingEntry
from cxr.audit.settings import AuditParams
from cxr.common.config import load_params
from cxr.common.parallel import bar
from cxr.common.report_files import write_report
from cxr.data.dataset import Dataset
from cxr.data.predictions import write_predictions
from cxr.evaluation.curves import write_curves
from cxr.evaluation.of_split import evaluate_split
from cxr.evaluation.report_types import Dice
from cxr.evaluation.settings import EvaluateParams
from cxr.features.cached_engine import cached_engine
from cxr.gate.dataset import GateDataset
from cxr.gate.report import frontal_refusals, refusals
from cxr.gate.settings import GateParams
from cxr.gate.train import TrainedGate
from cxr.inference.gate import FRONTAL, Gate
from cxr.inference.lung_segmenter import LungSegmenter
from cxr.inference.predictor import Predictor
from cxr.lungs.train import Masked, measure
from cxr.sealed.report_types import SealedGate, SealedLungs

TEST = "test"


@dataclass(frozen=True)
class SealedPatients:
    """data: of all patients. views: what the gate is asked about, of test patients alone. masks: known lungs of test
    patients."""

    data: Dataset
    views: GateDataset
    masks: Sequence[Masked]


@dataclass(frozen=True)
class SealedParams:
    evaluate: EvaluateParams
    audit: AuditParams
    gate: GateParams

    @classmethod
    def load(cls) -> "SealedParams":
        return cls(load_params(EvaluateParams), load_params(AuditParams), load_params(GateParams))


def measure_into(folder: Path, model: Predictor, patients: SealedPatients, params: SealedParams, memory: Path) -> None:
    """Write metrics.json, groups.json, predictions.csv, the curves, audit.json, gate.json and lungs.json.

    memory: of the engine's features (cxr/features/cached_engine.py).
    """
    test = patients.data.split(TEST)
    threshold = model.engine.facts.threshold
    with bar(len(test.rows), "sealed test") as advance:
        p_covid = cached_engine(model.engine, memory).predict(test.pixels, advance)
    found = evaluate_split(test, p_covid, threshold, params.evaluate)
    write_report(found.metrics, folder / "metrics.json")
    write_report(found.groups, folder / "groups.json")
    write_predictions(test, p_covid, folder / "predictions.csv")
    write_curves(test.y, p_covid, threshold, folder)
    findings = audited(model, patients.data, p_covid, params)
    write_report({"findings": [cast(FindingEntry, asdict(finding)) for finding in findings]}, folder / "audit.json")
    write_report(gated(model.gate, patients.views, params), folder / "gate.json")
    write_report(lungs_found(model.lungs, patients, params.evaluate), folder / "lungs.json")


def audited(model: Predictor, data: Dataset, p_covid: np.ndarray, params: SealedParams) -> list[Finding]:
    """The arms that ask the model itself about test patients alone. p_covid: (n,), its answers about them."""
    pictures = audited_images(data, model.lungs, TEST)
    answers = Answers(model.engine, pictures, p_covid, model.engine.facts.threshold)
    return [
        *same_source(answers, params.evaluate),
        *without_lungs(answers, params.audit, params.evaluate),
        *calls_by_source(answers, params.evaluate),
    ]


def gated(gate: Gate | None, views: GateDataset, params: SealedParams) -> SealedGate:
    """What the gate refuses of test patients' pictures, and of pictures made of them."""
    if gate is None:
        return {"frontal_refused": {}, "refused": {}}
    alone = TrainedGate(gate, {}, [])  # it knows none of these patients, so no judge is needed
    frontal = views.of(FRONTAL, TEST)
    return {
        "frontal_refused": frontal_refusals(alone, frontal, params.evaluate)[TEST],
        "refused": refusals(alone, views, frontal, params.gate, params.evaluate),
    }


def lungs_found(lungs: LungSegmenter | None, patients: SealedPatients, params: EvaluateParams) -> SealedLungs:
    if lungs is None:
        return {"dice": None, "why": "the model has no lung segmenter"}
    if not patients.masks:
        return {"dice": None, "why": "no source brings lung masks of test patients"}
    return {"dice": cast(Dice, measure(lungs, patients.data, patients.masks, params)), "why": ""}
