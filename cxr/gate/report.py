"""What the gate lets through and what it refuses, by kind, with intervals over patients."""

from collections.abc import Callable
from dataclasses import dataclass, replace

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
    together under "cross_fitted". refused: by kind, the collected pictures of training and validation patients, and
    pictures made of validation patients'; "named" is the share refused for the right reason. Each picture is judged by
    a gate that learned nothing of its patient. Test patients have no part in it."""
    known = dataset.where(dataset.splits != "test")
    learned = known.where(np.isin(known.splits, LEARNED))
    refused = refusals(trained, learned, known.of(FRONTAL, "validation"), params, bootstrap)
    report: GateReport = {
        "threshold": trained.gate.threshold,
        "trained_on": _counts(learned),
        "frontal_refused": frontal_refusals(trained, known, bootstrap),
        "refused": refused,
    }
    return {**report, "summary": summary(report)}


def refusals(
    trained: TrainedGate, collected: GateDataset, frontal: GateDataset, params: GateParams, bootstrap: EvaluateParams
) -> dict[str, NamedRate]:
    """By kind, what is refused of collected pictures that are no frontal ones, and of those made of `frontal`."""
    made = _made(trained, frontal, params, bootstrap)
    return {**_collected(trained, collected, bootstrap), **made}


def summary(report: GateReport) -> GateSummary:
    """What the registered model says about its gate: the share refused of each kind of picture, with counts.
    cross_fitted: judged by gates that do not know the patient. external: frontal pictures of sources that are only
    tested on."""
    cross_fitted = {FRONTAL: report["frontal_refused"]["cross_fitted"]["all"], **report["refused"]}
    external = {name: rate for name, rate in report["frontal_refused"].get("external", {}).items() if name != "all"}
    return {"cross_fitted": cross_fitted, "external": external}


def _counts(dataset: GateDataset) -> dict[str, int]:
    kinds, counts = np.unique(dataset.kinds.astype(str), return_counts=True)
    return {str(kind): int(count) for kind, count in zip(kinds, counts, strict=True)}


def frontal_refusals(
    trained: TrainedGate, dataset: GateDataset, bootstrap: EvaluateParams
) -> dict[str, dict[str, Rate]]:
    """By split, then "all" and each source: what is wrongly refused of the frontal pictures."""
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


def _collected(trained: TrainedGate, dataset: GateDataset, bootstrap: EvaluateParams) -> dict[str, NamedRate]:
    of_kind = {kind: dataset.where(dataset.kinds == kind) for kind in COLLECTED}
    return {
        kind: _rates(judge_apart(trained, some, REASONS[kind]), bootstrap)
        for kind, some in of_kind.items()
        if len(some)
    }


def _made(
    trained: TrainedGate, frontal: GateDataset, params: GateParams, bootstrap: EvaluateParams
) -> dict[str, NamedRate]:
    """Pictures made of frontal ones, and from nothing; the latter count as one patient each."""
    rng = np.random.default_rng(params.seed + 1)  # not the drawings that were learned
    gate = trained.gate
    image_size = frontal.pictures.shape[1]

    def rate(changed: np.ndarray, expected: str) -> NamedRate:
        return _rates(judge_apart(trained, replace(frontal, pictures=changed), expected), bootstrap)

    report = {"inverted": rate(255 - frontal.pictures, "inverted")}
    for name, quarters in _TURNS.items():
        turned = np.rot90(frontal.pictures, quarters, axes=(1, 2))
        report[name] = rate(np.ascontiguousarray(turned), "not_frontal")
    report["part"] = rate(np.stack([part_of(picture, rng) for picture in frontal.pictures]), "not_frontal")
    for name, pictures in {"near_black": frontal.pictures // 16, "near_white": 240 + frontal.pictures // 16}.items():
        report[name] = rate(pictures, "exposure")
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
