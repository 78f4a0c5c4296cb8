"""Trains the gate and chooses its threshold on validation patients.

Trains beside it the gates of its cross-validation: each has learned nothing of some of the patients, and is asked
about their CT slices and lateral views.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxr.common.parallel import map_apart
from cxr.gate.dataset import COLLECTED, GateDataset
from cxr.gate.examples import GateExamples, draw_examples
from cxr.gate.mlp import train_networks
from cxr.gate.settings import GateParams
from cxr.inference.gate import FRONTAL, KINDS, Gate, Kind, standardised

_SHARES: dict[str, int] = {FRONTAL: 2}  # of what is learned from; every other kind 1


@dataclass(frozen=True)
class TrainedGate:
    """gate: the one that is kept. fold_of: every patient with a CT slice or a lateral view, to a fold's number. judges:
    for each fold a gate that learned as `gate` did, from all such patients but the fold's, whatever their split."""

    gate: Gate
    fold_of: dict[str, int]
    judges: list[Gate]


def train_gate(dataset: GateDataset, params: GateParams) -> TrainedGate:
    """The gate learns from the dataset's training patients, and has its threshold from the frontal pictures of its
    validation patients; so have its judges, which learn from the same examples. A kind without a picture (phantoms have
    no lateral views) is not learned.
    """
    fold_of = folds(dataset, params)
    shown = draw_examples(dataset, params)
    tasks = [(shown.where(some), params) for some in seen_by(shown, fold_of)]
    known = dataset.of(FRONTAL, "validation").pictures
    gate, *judges = (_with_threshold(one, known, params.false_refusals) for one in map_apart(_trained, tasks, "gates"))
    return TrainedGate(gate, fold_of, judges)


def seen_by(shown: GateExamples, fold_of: dict[str, int]) -> list[np.ndarray]:
    """bool[n] of the examples that the gate learns from, then of those that the judge of each fold does."""
    fold = np.array([fold_of.get(patient, -1) for patient in shown.patients])
    return [shown.splits == "train", *(fold != number for number in sorted(set(fold_of.values())))]


def _trained(task: tuple[GateExamples, GateParams]) -> Gate:
    shown, params = task
    return _fitted(shown, [kind for kind in KINDS if kind in set(shown.kinds)], params)


def folds(dataset: GateDataset, params: GateParams) -> dict[str, int]:
    """The patients with a CT slice or a lateral view, each to a fold's number, in a random order."""
    rare = dataset.patients[np.isin(dataset.kinds, COLLECTED)]
    dealt = np.random.default_rng(params.seed).permutation(sorted(set(rare)))
    return {str(patient): i % params.folds for i, patient in enumerate(dealt)}


def _with_threshold(gate: Gate, frontal: np.ndarray, false_refusals: float) -> Gate:
    odds, _ = gate.judge(frontal)
    return Gate(gate.kinds, gate.hidden, gate.output, threshold_for(odds, false_refusals))


def threshold_for(odds: np.ndarray, false_refusals: float) -> float:
    """The highest threshold below which at most this share of the frontal pictures' log odds lies, and at most 0.

    A picture that is likelier frontal than not always passes: the lowest odds of a few validation pictures may be far
    above those of the next frontal picture.
    """
    ranked = np.sort(odds)
    return min(0.0, float(ranked[int(np.floor(false_refusals * len(ranked)))]))


def _fitted(shown: GateExamples, kinds: Sequence[Kind], params: GateParams) -> Gate:
    """The mean of several networks, which is one of all their units; its threshold is yet to be chosen."""
    networks = train_networks(
        standardised(shown.thumbnails),
        np.array([kinds.index(kind) for kind in shown.kinds]),
        weights_of(shown.kinds),
        units=params.hidden,
        seeds=range(params.seed, params.seed + params.networks),
        epochs=params.epochs,
        weight_decay=params.weight_decay,
    )
    output = networks.output.reshape(-1, len(kinds)) / np.float32(params.networks)
    output_bias = networks.output_bias.mean(axis=(0, 1))
    return Gate(tuple(kinds), (networks.hidden, networks.hidden_bias), (output, output_bias), 0.0)


def weights_of(kinds: np.ndarray) -> np.ndarray:
    """How much each example counts, float32[n], 1 on average: each kind as much as any other, frontal pictures twice,
    however many examples there are of it."""
    names, number, counts = np.unique(kinds.astype(str), return_inverse=True, return_counts=True)
    shares = np.array([_SHARES.get(name, 1) for name in names])
    return (shares / counts / shares.sum() * len(kinds))[number].astype(np.float32)
