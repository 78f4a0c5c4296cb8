"""The gate: what it refuses, and why."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import ModelError
from cxr.evaluation.settings import EvaluateParams
from cxr.gate.dataset import GateDataset
from cxr.gate.report import gate_report
from cxr.gate.synthetic_negatives import DRAWINGS, PHOTOS_TO_TEST, photos
from cxr.gate.traced_parts import TRACED_PARTS
from cxr.gate.train import TrainedGate, train_gate
from cxr.imaging.exposure import BLANK_RANGE
from cxr.inference.gate import FRONTAL, REASONS, SIDE, Gate, is_blank, thumbnails
from cxr.sources.synthetic.radiograph import radiograph
from stages.gate import headline
from tests.gate.made import PARAMS, PICTURE_SIDE

BOOTSTRAP = EvaluateParams(resamples=100, confidence=0.95, prevalence=0.1, seed=20)


def some_gate(threshold: float = 0.0, *, seed: int = 0) -> Gate:
    rng = np.random.default_rng(seed)
    hidden = (rng.normal(0, 0.05, (SIDE * SIDE, 4)), np.zeros(4))
    return Gate(("frontal", "inverted", "other"), hidden, (rng.normal(0, 1, (4, 3)), np.zeros(3)), threshold)


@pytest.fixture(scope="module")
def trained(phantoms: GateDataset) -> TrainedGate:
    return train_gate(phantoms, PARAMS)


@pytest.fixture(scope="module")
def gate(trained: TrainedGate) -> Gate:
    return trained.gate


# --- the gate itself ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_is_refused_before_anything_else(level: int):
    picture = np.full((50, 50), level, np.uint8)
    picture[0, 0] = 255 - level  # a speck is not a picture
    assert some_gate(threshold=-1e9).refusal(picture) == "blank"


def test_a_picture_of_mean_grey_7_is_refused_for_its_exposure_whatever_it_shows():
    chest = radiograph(3, 1, 1, image_size=PICTURE_SIDE, covid=False).astype(float)
    dark = (chest * 7 / chest.mean()).astype(np.uint8)
    assert dark.mean() <= 7
    assert some_gate(threshold=-1e9).refusal(dark) == "exposure"
    assert some_gate(threshold=-1e9).refusal(255 - dark) == "exposure"


def test_blank_is_judged_by_the_percentiles_that_numpy_finds():
    rng = np.random.default_rng(0)
    for _ in range(200):
        low, spread, image_size = rng.integers(0, 240), rng.integers(6, 12), rng.integers(2, 20)
        picture = rng.integers(low, min(low + spread, 256), (image_size, image_size)).astype(np.uint8)
        below, above = np.percentile(picture, (1, 99))
        assert is_blank(picture) == (above - below < BLANK_RANGE)


def test_a_thumbnail_does_not_know_brightness_and_contrast():
    picture = np.random.default_rng(0).integers(0, 100, (40, 40)).astype(np.uint8)
    first, second = thumbnails(np.stack([picture, picture * 2 + 30]))
    assert first.shape == (SIDE * SIDE,)
    assert np.corrcoef(first, second)[0, 1] > 0.999
    assert abs(first.mean()) < 1e-5


def test_a_picture_passes_from_the_threshold_on():
    picture = np.random.default_rng(0).integers(0, 256, (40, 40)).astype(np.uint8)
    odds, (kind,) = some_gate().judge(picture[None])
    assert some_gate(threshold=float(odds[0])).refusal(picture) is None
    assert some_gate(threshold=float(odds[0]) + 1e-6).refusal(picture) == REASONS[kind]


def test_the_odds_are_those_of_the_probabilities():
    gate = some_gate()
    pictures = np.random.default_rng(0).integers(0, 256, (5, 40, 40)).astype(np.uint8)
    scores = np.exp(gate.scores(thumbnails(pictures)))
    frontal = (scores / scores.sum(axis=1, keepdims=True))[:, 0]
    assert gate.judge(pictures)[0] == pytest.approx(np.log(frontal / (1 - frontal)))


def test_a_gate_comes_back_as_it_was_saved(tmp_path: Path):
    gate = some_gate(threshold=-1.5)
    gate.save(tmp_path / "gate.npz")
    loaded = Gate.load(tmp_path / "gate.npz")
    pictures = np.random.default_rng(0).integers(0, 256, (5, 40, 40)).astype(np.uint8)
    assert (loaded.judge(pictures)[0] == gate.judge(pictures)[0]).all()
    assert (loaded.kinds, loaded.threshold) == (gate.kinds, gate.threshold)


def test_a_damaged_or_missing_file_is_a_model_error(tmp_path: Path):
    with pytest.raises(ModelError, match="not a readable gate"):
        Gate.load(tmp_path / "none.npz")
    some_gate().save(tmp_path / "gate.npz")
    data = (tmp_path / "gate.npz").read_bytes()
    for cut in (0, 10, len(data) // 2):
        (tmp_path / "gate.npz").write_bytes(data[:cut])
        with pytest.raises(ModelError):
            Gate.load(tmp_path / "gate.npz")


def test_arrays_that_do_not_fit_together_are_a_model_error():
    gate = some_gate()
    with pytest.raises(ModelError, match="expected"):
        Gate(gate.kinds, gate.output, gate.hidden, 0.0)
    with pytest.raises(ModelError, match="kinds"):
        Gate(("ct", "inverted", "other"), gate.hidden, gate.output, 0.0)


def test_every_reason_has_a_sentence():
    texts = json.loads((Path(__file__).parents[2] / "clients/texts.json").read_text(encoding="utf-8"))
    for reason in ("blank", *REASONS.values()):
        assert texts[f"refusal.{reason}"]["en"]


def test_asking_the_gate_needs_numpy_and_pillow_only():
    heavy = ("sklearn", "scipy", "keras", "tensorflow", "openvino", "pandas")
    code = f"import sys, cxr.inference.gate; print([name for name in {heavy} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- what a trained gate does -----------------------------------------------------------------------------------


def test_frontal_pictures_of_unknown_patients_pass(gate: Gate, phantoms: GateDataset):
    passed = [gate.refusal(picture) is None for picture in phantoms.of(FRONTAL, "test").pictures]
    assert np.mean(passed) >= 0.9


def test_inverted_and_turned_pictures_are_refused_for_that_reason(gate: Gate, phantoms: GateDataset):
    pictures = phantoms.of(FRONTAL, "test").pictures
    inverted = [gate.refusal(255 - picture) for picture in pictures]
    assert np.mean([reason == "inverted" for reason in inverted]) >= 0.9
    turned = [gate.refusal(np.ascontiguousarray(np.rot90(picture, 2))) for picture in pictures]
    assert np.mean([reason == "not_frontal" for reason in turned]) >= 0.9


def test_half_chests_are_refused_as_the_lateral_views_they_stand_for(gate: Gate, phantoms: GateDataset):
    reasons = [gate.refusal(picture) for picture in phantoms.of("lateral", "test").pictures]
    assert all(reason is not None for reason in reasons)
    assert np.mean([reason == "lateral" for reason in reasons]) >= 0.8


def test_drawings_and_photographs_are_refused(gate: Gate):
    rng = np.random.default_rng(99)
    kinds = itertools.islice(itertools.cycle(DRAWINGS.values()), 50)
    drawn = np.stack([draw(PICTURE_SIDE, rng) for draw in kinds])
    pictures = np.concatenate([drawn, photos(PHOTOS_TO_TEST, PICTURE_SIDE, 12, rng)])
    assert np.mean([gate.refusal(picture) is not None for picture in pictures]) >= 0.9


def test_body_parts_that_were_drawn_another_way_are_refused(gate: Gate):
    rng = np.random.default_rng(99)
    hands_and_feet = [draw(PICTURE_SIDE, rng) for draw in TRACED_PARTS.values() for _ in range(8)]
    assert np.mean([gate.refusal(picture) is not None for picture in hands_and_feet]) >= 0.9


@pytest.mark.slow
def test_without_lateral_views_and_ct_a_gate_is_taught_by_what_can_be_made(phantoms: GateDataset):
    trained = train_gate(phantoms.where(phantoms.kinds == FRONTAL), PARAMS)
    assert trained.gate.kinds == ("frontal", "inverted", "misplaced", "other")
    report = gate_report(trained, phantoms.where(phantoms.kinds == FRONTAL), PARAMS, BOOTSTRAP)
    assert "ct" not in report["refused"]
    assert report["frontal_refused"]["cross_fitted"]["all"]["value"] <= 0.1


@pytest.mark.slow
def test_the_report_can_be_written_as_json_and_counts_everything(trained: TrainedGate, phantoms: GateDataset):
    report = json.loads(json.dumps(gate_report(trained, phantoms, PARAMS, BOOTSTRAP), allow_nan=False))
    assert report["trained_on"] == {"frontal": 60, "lateral": 15}
    assert report["frontal_refused"]["cross_fitted"]["all"]["images"] == 60
    assert report["refused"]["lateral"]["images"] == 15  # the five of test patients have no part
    assert report["refused"]["inverted"]["images"] == 20  # made of the validation patients'
    assert report["summary"]["cross_fitted"]["frontal"]["images"] == 60
    assert report["summary"]["cross_fitted"]["lateral"] == report["refused"]["lateral"]
    assert report["summary"]["external"] == {}  # there is none
    assert headline(report)["lateral_refused"] == report["refused"]["lateral"]["value"]
    assert headline(report)["ct_refused"] is None
    assert report["refused"]["blank"]["value"] == report["refused"]["blank"]["named"] == 1
    assert report["refused"]["near_black"]["value"] == report["refused"]["near_white"]["value"] == 1
    assert set(DRAWINGS) | set(TRACED_PARTS) <= set(report["refused"])


@pytest.mark.slow
def test_training_twice_gives_the_same_gate_to_the_last_bit(gate: Gate, phantoms: GateDataset):
    again = train_gate(phantoms, PARAMS).gate
    assert again.threshold == gate.threshold
    for one, other in zip((*again.hidden, *again.output), (*gate.hidden, *gate.output), strict=True):
        assert (one == other).all()
