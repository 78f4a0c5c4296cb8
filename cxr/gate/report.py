"""What the gate lets through and what it refuses, by kind, with intervals over patients."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cxr.evaluation.intervals import mean_over_patients
from cxr.evaluation.report_types import GateReport, GateSummary, NamedRate, Rate
from cxr.evaluation.settings import EvaluateParams
from cxr.gate.dataset import COLLECTED, LEARNED, GateDataset
from cxr.gate.examples import part_of
from cxr.gate.settings import GateParams
from cxr.gate.synthetic_negatives import DRAWINGS, PHOTOS_TO_TEST, blank, photos
from cxr.gate.traced_parts import TRACED_PARTS
from cxr.gate.train import TrainedGate
from cxr.inference.gate import FRONTAL, REASONS, Gate

_EACH = 60  # pictures made of each kind that no source brings
_TURNS = {"turned_by_90": 1, "upside_down": 2, "turned_by_270": 3}

Rng = np.random.Generator


@dataclass(frozen=True)
class Verdicts:
    """What the gate said of n pictures. refused, named: bool[n], the second where the reason was the expected one."""

    refused: np.ndarray
    named: np.ndarray
    patients: list[str]

    def where(self, some: np.ndarray) -> "Verdicts":
        """some: bool[n]."""
        patients = [patient for patient, kept in zip(self.patients, some, strict=True) if kept]
        return Verdicts(self.refused[some], self.named[some], patients)


def judge(gate: Gate, pictures: np.ndarray, expected: str | None, patients: list[str]) -> Verdicts:
    """expected: the refusal's reason, or None for pictures that should pass."""
    reasons = [gate.refusal(picture) for picture in pictures]
    named = [reason == expected for reason in reasons]
    return Verdicts(np.array([reason is not None for reason in reasons]), np.array(named), patients)


def judge_apart(trained: TrainedGate, dataset: GateDataset, expected: str | None) -> Verdicts:
    """As `judge`, each picture by a gate that has learned nothing of its patient."""
    refused = np.zeros(len(dataset), bool)
    named = np.zeros(len(dataset), bool)
    for gate, some in trained.apart(dataset):
        said = judge(gate, dataset.pictures[some], expected, list(dataset.patients[some]))
        refused[some] = said.refused
        named[some] = said.named
    return Verdicts(refused, named, list(dataset.patients))


def gate_report(
    trained: TrainedGate, dataset: GateDataset, params: GateParams, bootstrap: EvaluateParams
) -> GateReport:
    """summary: see there. frontal_refused: by split, and by source within it; training and validation patients'
    together under "cross_fitted". refused: by kind, of test patients and of made pictures; "named" is the share refused
    for the right reason. cross_validated: the collected pictures of all patients, since the test patients are few.
    Under both, each picture is judged by a gate that learned nothing of its patient."""
    gate = trained.gate
    report: GateReport = {
        "threshold": gate.threshold,
        "trained_on": _counts(dataset.where(np.isin(dataset.splits, LEARNED))),
        "frontal_refused": _frontal(trained, dataset, bootstrap),
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


def _counts(dataset: GateDataset) -> dict[str, int]:
    kinds, counts = np.unique(dataset.kinds.astype(str), return_counts=True)
    return {str(kind): int(count) for kind, count in zip(kinds, counts, strict=True)}


def _frontal(trained: TrainedGate, dataset: GateDataset, bootstrap: EvaluateParams) -> dict[str, dict[str, Rate]]:
    frontal = dataset.where(dataset.kinds == FRONTAL)
    splits = np.where(np.isin(frontal.splits, LEARNED), "cross_fitted", frontal.splits.astype(str))
    said = judge_apart(trained, frontal, None)
    report: dict[str, dict[str, Rate]] = {}
    for split in sorted(set(splits)):
        report[split] = {"all": _rate(said.where(splits == split), bootstrap)}
        for source in sorted(set(frontal.sources[splits == split])):
            some = (splits == split) & (frontal.sources == source)
            report[split][source] = _rate(said.where(some), bootstrap)
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
    for name, pictures in {"near_black": frontal.pictures // 16, "near_white": 240 + frontal.pictures // 16}.items():
        report[name] = _rates(judge(gate, pictures, "exposure", patients), bootstrap)
    for name, draw in {**DRAWINGS, **TRACED_PARTS, "blank": blank}.items():
        pictures = _drawn(draw, image_size, rng)
        reason = "blank" if name == "blank" else "not_xray"
        report[name] = _rates(judge(gate, pictures, reason, [str(i) for i in range(_EACH)]), bootstrap)
    seen = photos(PHOTOS_TO_TEST, image_size, _EACH, rng)
    files = [str(i % len(PHOTOS_TO_TEST)) for i in range(_EACH)]  # parts of one photograph are not independent
    report["photo"] = _rates(judge(gate, seen, "not_xray", files), bootstrap)
    return report


def _drawn(draw: Callable[[int, Rng], np.ndarray], image_size: int, rng: Rng) -> np.ndarray:
    return np.stack([draw(image_size, rng) for _ in range(_EACH)])


def _rate(said: Verdicts, bootstrap: EvaluateParams) -> Rate:
    return mean_over_patients(said.refused, said.patients, bootstrap)


def _rates(said: Verdicts, bootstrap: EvaluateParams) -> NamedRate:
    return {**_rate(said, bootstrap), "named": float(said.named.mean())}


def cross_validated(trained: TrainedGate, dataset: GateDataset, bootstrap: EvaluateParams) -> dict[str, NamedRate]:
    """The collected pictures of all patients, each judged by a gate that has learned nothing of its patient."""
    of_kind = {kind: dataset.where(dataset.kinds == kind) for kind in COLLECTED}
    return {
        kind: _rates(judge_apart(trained, some, REASONS[kind]), bootstrap)
        for kind, some in of_kind.items()
        if len(some)
    }
