"""What the gate lets through and what it refuses, by kind, with intervals over patients."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cxr.evaluation.intervals import mean_over_patients
from cxr.evaluation.report_types import GateReport, GateSummary, NamedRate, Rate
from cxr.evaluation.settings import EvaluateParams
from cxr.gate.dataset import COLLECTED, GateDataset
from cxr.gate.examples import part_of
from cxr.gate.settings import GateParams
from cxr.gate.synthetic_negatives import DRAWINGS, PHOTOS_TO_TEST, blank, photos
from cxr.gate.train import TrainedGate
from cxr.inference.gate import FRONTAL, REASONS, Gate, Kind

_EACH = 60  # pictures made of each kind that no source brings
_TURNS = {"turned_by_90": 1, "upside_down": 2, "turned_by_270": 3}

Rng = np.random.Generator


@dataclass(frozen=True)
class Verdicts:
    """What the gate said of n pictures. refused, named: bool[n], the second where the reason was the expected one."""

    refused: np.ndarray
    named: np.ndarray
    patients: list[str]


def judge(gate: Gate, pictures: np.ndarray, expected: str | None, patients: list[str]) -> Verdicts:
    """expected: the refusal's reason, or None for pictures that should pass."""
    reasons = [gate.refusal(picture) for picture in pictures]
    named = [reason == expected for reason in reasons]
    return Verdicts(np.array([reason is not None for reason in reasons]), np.array(named), patients)


def gate_report(
    trained: TrainedGate, dataset: GateDataset, params: GateParams, bootstrap: EvaluateParams
) -> GateReport:
    """summary: see there. frontal_refused: by split, and by source within it. refused: by kind, of test patients and
    of made pictures; "named" is the share refused for the right reason. cross_validated: CT and lateral pictures of all
    patients, each judged by a gate that saw nothing of the patient: the test patients are few."""
    gate = trained.gate
    report: GateReport = {
        "threshold": gate.threshold,
        "trained_on": _counts(dataset, "train"),
        "frontal_refused": _frontal(gate, dataset, bootstrap),
        "refused": {**_collected(gate, dataset, bootstrap), **_made(gate, dataset, params, bootstrap)},
        "cross_validated": cross_validated(trained, dataset, bootstrap),
    }
    return {**report, "summary": summary(report)}


def summary(report: GateReport) -> GateSummary:
    """What the registered model says about its gate: the share refused of each kind of picture, with counts. test: of
    the test patients. external: frontal pictures of sources that are only tested on."""
    test = {FRONTAL: report["frontal_refused"]["test"]["all"], **report["refused"]}
    external = {name: rate for name, rate in report["frontal_refused"].get("external", {}).items() if name != "all"}
    return {"test": test, "external": external, "cross_validated": report["cross_validated"]}


def _counts(dataset: GateDataset, split: str) -> dict[str, int]:
    kinds, counts = np.unique(dataset.kinds[dataset.splits == split].astype(str), return_counts=True)
    return {str(kind): int(count) for kind, count in zip(kinds, counts, strict=True)}


def _frontal(gate: Gate, dataset: GateDataset, bootstrap: EvaluateParams) -> dict[str, dict[str, Rate]]:
    report: dict[str, dict[str, Rate]] = {}
    for split in sorted(set(dataset.splits) - {"train"}):
        some = dataset.of(FRONTAL, split)
        if not len(some):
            continue
        said = judge(gate, some.pictures, None, list(some.patients))
        report[split] = {"all": mean_over_patients(said.refused, said.patients, bootstrap)}
        for source in sorted(set(some.sources)):
            of = some.sources == source
            report[split][source] = mean_over_patients(said.refused[of], list(some.patients[of]), bootstrap)
    return report


def _collected(gate: Gate, dataset: GateDataset, bootstrap: EvaluateParams) -> dict[str, NamedRate]:
    report: dict[str, NamedRate] = {}
    for kind in COLLECTED:
        some = dataset.of(kind, "test")
        if len(some):
            said = judge(gate, some.pictures, REASONS[kind], list(some.patients))
            report[kind] = _rates(said, bootstrap)
    return report


def _made(gate: Gate, dataset: GateDataset, params: GateParams, bootstrap: EvaluateParams) -> dict[str, NamedRate]:
    """Pictures made of the test patients' frontal ones, and from nothing; the latter count as one patient each."""
    rng = np.random.default_rng(params.seed + 1)  # not the drawings that were learned
    frontal = dataset.of(FRONTAL, "test")
    image_size = dataset.pictures.shape[1]
    patients = list(frontal.patients)
    report = {"inverted": _rates(judge(gate, 255 - frontal.pictures, "inverted", patients), bootstrap)}
    for name, quarters in _TURNS.items():
        turned = np.rot90(frontal.pictures, quarters, axes=(1, 2))
        report[name] = _rates(judge(gate, np.ascontiguousarray(turned), "not_frontal", patients), bootstrap)
    parts = np.stack([part_of(picture, rng) for picture in frontal.pictures])
    report["part"] = _rates(judge(gate, parts, "not_frontal", patients), bootstrap)
    for name, draw in (*DRAWINGS.items(), ("blank", blank)):
        pictures = _drawn(draw, image_size, rng)
        reason = "blank" if name == "blank" else "not_xray"
        report[name] = _rates(judge(gate, pictures, reason, [str(i) for i in range(_EACH)]), bootstrap)
    seen = photos(PHOTOS_TO_TEST, image_size, _EACH, rng)
    files = [str(i % len(PHOTOS_TO_TEST)) for i in range(_EACH)]  # parts of one photograph are not independent
    report["photo"] = _rates(judge(gate, seen, "not_xray", files), bootstrap)
    return report


def _drawn(draw: Callable[[int, Rng], np.ndarray], image_size: int, rng: Rng) -> np.ndarray:
    return np.stack([draw(image_size, rng) for _ in range(_EACH)])


def _rates(said: Verdicts, bootstrap: EvaluateParams) -> NamedRate:
    return {**mean_over_patients(said.refused, said.patients, bootstrap), "named": float(said.named.mean())}


def cross_validated(trained: TrainedGate, dataset: GateDataset, bootstrap: EvaluateParams) -> dict[str, NamedRate]:
    """CT and lateral pictures of all patients, each judged by the gate that learned nothing of its patient."""
    said: dict[Kind, list[Verdicts]] = {kind: [] for kind in COLLECTED}
    fold = np.array([trained.fold_of.get(patient, -1) for patient in dataset.patients])
    for number, gate in enumerate(trained.judges):
        for kind, verdicts in said.items():
            some = dataset.where((fold == number) & (dataset.kinds == kind))
            verdicts.append(judge(gate, some.pictures, REASONS[kind], list(some.patients)))
    rates = {kind: _joined(verdicts) for kind, verdicts in said.items() if verdicts}
    return {kind: _rates(verdicts, bootstrap) for kind, verdicts in rates.items() if verdicts.patients}


def _joined(verdicts: list[Verdicts]) -> Verdicts:
    return Verdicts(
        np.concatenate([some.refused for some in verdicts]),
        np.concatenate([some.named for some in verdicts]),
        [patient for some in verdicts for patient in some.patients],
    )
