"""Trains the gate and chooses its threshold by cross-fitting.

Trains beside it the judges: each has learned nothing of some of the patients, and is asked about them. So every picture
of a training or validation patient has an answer of a gate that does not know its patient. The threshold is chosen on
all of these, since the few validation patients alone would leave it to two or three pictures. Test patients decide
nothing: no gate learns from them, and the threshold does not know them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cxr.common.parallel import map_apart
from cxr.gate.dataset import COLLECTED, LEARNED, GateDataset
from cxr.gate.examples import GateExamples, draw_examples
from cxr.gate.mlp import train_networks
from cxr.gate.settings import GateParams
from cxr.inference.gate import FRONTAL, KINDS, Gate, Kind, standardised

_SHARES: dict[str, int] = {FRONTAL: 2, "other": 2}  # of what is learned from; every other kind 1


@dataclass(frozen=True)
class TrainedGate:
    """gate: the one that is kept. fold_of: every training and validation patient, to a fold's number. judges: for each
    fold a gate that learned as `gate` did, from all such patients but the fold's. All have one threshold."""

    gate: Gate
    fold_of: dict[str, int]
    judges: list[Gate]

    def at(self, threshold: float) -> "TrainedGate":
        gate, *judges = (replace(gate, threshold=threshold) for gate in (self.gate, *self.judges))
        return replace(self, gate=gate, judges=judges)

    def apart(self, dataset: GateDataset) -> list[tuple[Gate, np.ndarray]]:
        """Each gate with the pictures, bool[n], whose patients it has learned nothing of: a judge with its fold, the
        gate itself with those of all others."""
        fold = np.array([self.fold_of.get(patient, -1) for patient in dataset.patients])
        return [(gate, fold == number) for number, gate in enumerate([self.gate, *self.judges], start=-1)]


def train_gate(dataset: GateDataset, params: GateParams) -> TrainedGate:
    """The gate learns from the dataset's training and validation patients; so do its judges, from the same examples
    without those of their folds. A kind without a picture (phantoms have no lateral views) is not learned.
    """
    fold_of = folds(dataset, params)
    shown = draw_examples(dataset, params)
    tasks = [(shown.where(some), params) for some in seen_by(shown, fold_of)]
    gate, *judges = map_apart(_trained, tasks, "gates")
    trained = TrainedGate(gate, fold_of, judges)
    known = dataset.of(FRONTAL, *LEARNED)
    return trained.at(threshold_for(odds_apart(trained, known), known.sources, params.false_refusals))


def odds_apart(trained: TrainedGate, dataset: GateDataset) -> npt.NDArray[np.float64]:
    """Log odds of being frontal, (n,), each picture's by a gate that has learned nothing of its patient."""
    odds = np.zeros(len(dataset))
    for gate, some in trained.apart(dataset):
        odds[some], _ = gate.judge(dataset.pictures[some])
    return odds


def seen_by(shown: GateExamples, fold_of: dict[str, int]) -> list[np.ndarray]:
    """bool[n] of the examples that the gate learns from, then of those that the judge of each fold does."""
    fold = np.array([fold_of.get(patient, -1) for patient in shown.patients])
    return [np.ones(len(shown), bool), *(fold != number for number in sorted(set(fold_of.values())))]


def _trained(task: tuple[GateExamples, GateParams]) -> Gate:
    shown, params = task
    return _fitted(shown, [kind for kind in KINDS if kind in set(shown.kinds)], params)


def folds(dataset: GateDataset, params: GateParams) -> dict[str, int]:
    """The training and validation patients, each to a fold's number, in a random order; those with a picture of a rare
    kind are dealt first, so that every fold has as many of them."""
    learned = dataset.where(np.isin(dataset.splits, LEARNED))
    rare = set(learned.patients[np.isin(learned.kinds, COLLECTED)])
    rng = np.random.default_rng(params.seed)
    dealt = [*rng.permutation(sorted(rare)), *rng.permutation(sorted(set(learned.patients) - rare))]
    return {str(patient): i % params.folds for i, patient in enumerate(dealt)}


def threshold_for(odds: np.ndarray, sources: np.ndarray, false_refusals: float) -> float:
    """The highest threshold below which at most this share of the frontal pictures' log odds lies, and at most 0.

    Every source counts alike, however many pictures it brings: an unknown hospital is like any of them.
    A picture that is likelier frontal than not always passes: the lowest odds of a few pictures may be far above those
    of the next frontal picture.
    """
    order = np.argsort(odds)
    names, number, counts = np.unique(sources.astype(str), return_inverse=True, return_counts=True)
    below = np.cumsum((1 / counts / len(names))[number][order])
    first_kept = int(np.searchsorted(below, false_refusals + 1e-9, side="right"))
    return min(0.0, float(odds[order][min(first_kept, len(odds) - 1)]))


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
