"""What the gate's measurement at several seeds says for every setting that could be chosen."""

from pathlib import Path

import numpy as np
from PIL import Image

from cxr.gate.dataset import LEARNED
from cxr.gate.train import TrainedGate, folds
from cxr.inference.gate import FRONTAL, SIDE, Gate
from tests.gate.made import PARAMS, material_of
from tools.gate_seeds import SHARES, cross_fitted, read_pictures

PICTURES = np.random.default_rng(0).integers(0, 256, (60, 32, 32)).astype(np.uint8)
SPLITS = ["train"] * 30 + ["validation"] * 10 + ["test"] * 20


def some_trained(fold_of: dict[str, int]) -> TrainedGate:
    rng = np.random.default_rng(1)
    hidden = (rng.normal(0, 0.05, (SIDE * SIDE, 4)), np.zeros(4))
    gate = Gate(("frontal", "other"), hidden, (rng.normal(0, 1, (4, 2)), np.zeros(2)), 0.0)
    return TrainedGate(gate, fold_of, [gate] * PARAMS.folds)


def test_a_higher_share_has_a_higher_threshold_and_holds_on_what_it_was_chosen_by():
    dataset = material_of(PICTURES, FRONTAL, SPLITS, "own")
    choice = cross_fitted(some_trained(folds(dataset, PARAMS)), dataset)
    assert list(choice) == [str(share) for share in SHARES]
    thresholds = [rates["threshold"] for rates in choice.values()]
    assert thresholds == sorted(thresholds)
    assert all(rates["frontal"] <= float(share) for share, rates in choice.items())
    assert all("ct" not in rates for rates in choice.values())  # there is none


def test_test_patients_do_not_change_the_choice():
    dataset = material_of(PICTURES, FRONTAL, SPLITS, "own")
    trained = some_trained(folds(dataset, PARAMS))
    without = dataset.where(np.isin(dataset.splits, LEARNED))
    assert cross_fitted(trained, dataset) == cross_fitted(trained, without)
    assert folds(dataset, PARAMS) == folds(without, PARAMS)


def test_a_folder_is_read_whole_and_at_one_size(tmp_path: Path):
    for name, shape in (("b.png", (40, 30)), ("a.png", (20, 50))):
        Image.fromarray(np.full(shape, 90, np.uint8)).save(tmp_path / name)
    assert read_pictures(tmp_path, 16).shape == (2, 16, 16)
