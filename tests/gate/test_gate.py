"""The gate: what it refuses, why, and what it is trained with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr.augmentation.strong import StrongParams
from cxr.common.errors import ModelError
from cxr.data.dataset import Dataset
from cxr.data.manifest import RejectedRow
from cxr.data.settings import SplitParams
from cxr.data.splits import split_of_patient
from cxr.evaluation.settings import EvaluateParams
from cxr.gate.dataset import GateDataset, frontal_pictures, joined, other_views
from cxr.gate.examples import draw_examples, misplaced, part_of, shuffled
from cxr.gate.mlp import train_networks
from cxr.gate.report import gate_report
from cxr.gate.settings import GateParams
from cxr.gate.synthetic_negatives import DRAWINGS, PHOTOS_TO_LEARN, PHOTOS_TO_TEST, blank, drawings, photos
from cxr.gate.train import TrainedGate, folds, seen_by, threshold_for, train_gate, weights_of
from cxr.imaging.exposure import BLANK_RANGE
from cxr.inference.gate import FRONTAL, REASONS, SIDE, Gate, is_blank, thumbnails
from cxr.sources.synthetic.radiograph import radiograph
from stages.gate import headline
from tests.rows import image_row

SPLIT = SplitParams(seed=20, test_fraction=0.3, validation_fraction=0.3, near_duplicate_bits=4)
BOOTSTRAP = EvaluateParams(resamples=100, confidence=0.95, prevalence=0.1, seed=20)
DISTORTION = StrongParams(8, 1.15, 1.1, 0.06, 1.3, 1.2, 0.1, 0.02)
PARAMS = GateParams(
    networks=2,
    hidden=32,
    epochs=30,
    weight_decay=0.01,
    versions=200,
    false_refusals=0.02,
    folds=2,
    seed=20,
    augmentation=DISTORTION,
)
PICTURE_SIDE = 64


def some_gate(threshold: float = 0.0, *, seed: int = 0) -> Gate:
    rng = np.random.default_rng(seed)
    hidden = (rng.normal(0, 0.05, (SIDE * SIDE, 4)), np.zeros(4))
    return Gate(("frontal", "inverted", "other"), hidden, (rng.normal(0, 1, (4, 3)), np.zeros(3)), threshold)


def material_of(pictures: np.ndarray, kind: str, splits: list[str], name: str) -> GateDataset:
    n = len(pictures)
    patients = np.array([f"{name}/{i}" for i in range(n)], object)
    return GateDataset(pictures, np.full(n, kind, object), np.full(n, name, object), patients, np.array(splits, object))


@pytest.fixture(scope="module")
def phantoms() -> GateDataset:
    """Eighty phantoms as frontal pictures; as lateral views, half of each, stretched: the far side's is missing."""
    pictures = np.stack([radiograph(3, i, 1, image_size=PICTURE_SIDE, covid=i % 2 == 0) for i in range(80)])
    splits = ["train"] * 40 + ["validation"] * 20 + ["test"] * 20
    half = np.stack([np.asarray(Image.fromarray(p[:, 32:]).resize((64, 64))) for p in pictures[::4]])
    frontal = material_of(pictures, FRONTAL, splits, "phantom")
    lateral = material_of(half, "lateral", splits[::4], "phantom")
    return joined(frontal, lateral)


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
    pictures = np.concatenate([drawings(PICTURE_SIDE, 50, rng)[0], photos(PHOTOS_TO_TEST, PICTURE_SIDE, 12, rng)])
    assert np.mean([gate.refusal(picture) is not None for picture in pictures]) >= 0.9


@pytest.mark.slow
def test_without_lateral_views_and_ct_a_gate_is_taught_by_what_can_be_made(phantoms: GateDataset):
    trained = train_gate(phantoms.where(phantoms.kinds == FRONTAL), PARAMS)
    assert trained.gate.kinds == ("frontal", "inverted", "misplaced", "other")
    report = gate_report(trained, phantoms.where(phantoms.kinds == FRONTAL), PARAMS, BOOTSTRAP)
    assert report["cross_validated"] == {}
    assert "ct" not in report["refused"]
    assert report["frontal_refused"]["test"]["all"]["value"] <= 0.1


@pytest.mark.slow
def test_the_report_can_be_written_as_json_and_counts_everything(trained: TrainedGate, phantoms: GateDataset):
    report = json.loads(json.dumps(gate_report(trained, phantoms, PARAMS, BOOTSTRAP), allow_nan=False))
    assert report["trained_on"] == {"frontal": 40, "lateral": 10}
    assert report["refused"]["lateral"]["images"] == 5
    assert report["cross_validated"]["lateral"]["images"] == 20
    assert report["summary"]["test"]["frontal"]["images"] == 20
    assert report["summary"]["test"]["lateral"] == report["refused"]["lateral"]
    assert report["summary"]["external"] == {}  # there is none
    assert headline(report)["lateral_refused"] == report["refused"]["lateral"]["value"]
    assert headline(report)["ct_refused"] is None
    assert report["refused"]["blank"]["value"] == report["refused"]["blank"]["named"] == 1
    assert set(DRAWINGS) <= set(report["refused"])


@pytest.mark.slow
def test_training_twice_gives_the_same_gate_to_the_last_bit(gate: Gate, phantoms: GateDataset):
    again = train_gate(phantoms, PARAMS).gate
    assert again.threshold == gate.threshold
    for one, other in zip((*again.hidden, *again.output), (*gate.hidden, *gate.output), strict=True):
        assert (one == other).all()


# --- threshold, folds --------------------------------------------------------------------------------------------


def test_the_threshold_refuses_at_most_the_share_that_was_asked_for():
    odds = np.random.default_rng(0).normal(-4, 2, 305)
    for share in (0.0, 0.005, 0.01, 0.1):
        threshold = threshold_for(odds, share)
        assert (odds < threshold).mean() <= share
        assert (odds < np.nextafter(np.sort(odds)[(odds < threshold).sum()], np.inf)).mean() > share


def test_what_is_likelier_frontal_than_not_always_passes():
    assert threshold_for(np.array([3.0, 4.0, 5.0]), 0.005) == 0
    assert threshold_for(np.array([-0.5, 4.0, 5.0]), 0.005) == -0.5


def test_no_fold_learns_from_the_patients_that_it_judges(phantoms: GateDataset):
    shared = phantoms.patients.copy()
    shared[phantoms.kinds != FRONTAL] = shared[:20]  # a patient with a lateral view has frontal pictures too
    dataset = GateDataset(phantoms.pictures, phantoms.kinds, phantoms.sources, shared, phantoms.splits)
    shown, fold_of = draw_examples(dataset, PARAMS), folds(dataset, PARAMS)
    _, *by_fold = seen_by(shown, fold_of)
    assert len(by_fold) == PARAMS.folds
    for number, seen in enumerate(by_fold):
        judged = {patient for patient, fold in fold_of.items() if fold == number}
        assert judged
        assert not judged & set(shown.patients[seen])
        assert "lateral" in shown.kinds[seen]


def test_the_gate_itself_learns_from_training_patients_alone(phantoms: GateDataset):
    shown = draw_examples(phantoms, PARAMS)
    of_the_gate = shown.where(seen_by(shown, folds(phantoms, PARAMS))[0])
    trained = {*phantoms.patients[phantoms.splits == "train"], ""}  # "": what is drawn from nothing
    assert set(of_the_gate.patients) <= trained
    assert set(of_the_gate.kinds) == {"frontal", "inverted", "misplaced", "other", "lateral"}


def test_every_kind_counts_alike_and_frontal_pictures_twice():
    kinds = np.array(["frontal"] * 30 + ["ct"] * 4 + ["other"] * 6, object)
    weights = weights_of(kinds)
    sums = [weights[kinds == kind].sum() for kind in ("frontal", "ct", "other")]
    assert sums == pytest.approx([20, 10, 10])


# --- networks ----------------------------------------------------------------------------------------------------


def test_networks_learn_what_a_line_can_not_tell():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (600, 2)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    made = train_networks(x, y, np.ones(600, np.float32), units=16, seeds=(1, 2), epochs=200, weight_decay=0.01)
    hidden = np.maximum(x @ made.hidden + made.hidden_bias, 0).reshape(600, 2, 16).swapaxes(0, 1)
    said = (hidden @ made.output + made.output_bias).argmax(axis=-1)
    assert ((said == y).mean(axis=1) > 0.93).all()
    assert (said[0] != said[1]).any()  # of their own first weights


def test_what_counts_for_nothing_is_not_learned():
    x = np.array([[1.0], [-1.0]] * 50, np.float32)
    y = np.array([0, 1] * 50)
    weights = np.where(y == 0, 1, 0).astype(np.float32)
    made = train_networks(x, y, weights, units=4, seeds=(1,), epochs=200, weight_decay=0.0)
    scores = np.maximum(x @ made.hidden + made.hidden_bias, 0) @ made.output[0] + made.output_bias[0]
    assert (scores.argmax(axis=1) == 0).all()


# --- dataset ----------------------------------------------------------------------------------------------------


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "covid"
    (folder / "images").mkdir(parents=True)
    header = "patientid,sex,age,finding,view,modality,folder,filename"
    rows = ["1,,,COVID-19,Axial,CT,images,ct.png", "2,,,COVID-19,L,X-ray,images/deeper,l.png"]
    rows += ["3,,,COVID-19,Axial,CT,volumes,v.nii.gz", "4,,,todo,PA,X-ray,images,pa.png"]
    rows += ["5,,,COVID-19,L,X-ray,images,bad.png"]
    (folder / "metadata.csv").write_text("\n".join([header, *rows]) + "\n")
    (folder / "images" / "deeper").mkdir()
    for name in ("images/ct.png", "images/deeper/l.png", "images/pa.png"):
        Image.fromarray(np.full((9, 9), 7, np.uint8)).save(folder / name)
    (folder / "images/bad.png").write_bytes(b"no picture")
    return tmp_path


def test_ct_and_lateral_pictures_are_found_with_their_patients_and_sides(raw: Path):
    rejected = [
        RejectedRow("covid/images/bad.png", "covid", "not_frontal", "L"),
        RejectedRow("covid/images/ct.png", "covid", "not_xray", "CT"),
        RejectedRow("covid/images/deeper/l.png", "covid", "not_frontal", "L"),
        RejectedRow("covid/images/pa.png", "covid", "unlabelled", "todo"),
        RejectedRow("covid/volumes/v.nii.gz", "covid", "not_xray", "CT"),
    ]
    views = other_views(rejected, raw, 16, SPLIT)
    assert list(views.kinds) == ["ct", "lateral"]
    assert list(views.patients) == ["covid/1", "covid/2"]
    assert list(views.splits) == [split_of_patient("covid/1", SPLIT), split_of_patient("covid/2", SPLIT)]
    assert views.pictures.shape == (2, 16, 16)


def test_a_source_without_other_views_gives_none(tmp_path: Path):
    assert len(other_views([RejectedRow("phantom/a.png", "phantom", "no_file", "")], tmp_path, 16, SPLIT)) == 0


def test_frontal_pictures_keep_their_side_and_those_only_tested_on_their_role():
    rows = [image_row("a"), image_row("b", role="external"), image_row("c"), image_row("d", role="audit")]
    splits = {"a": "test", "b": "held_out", "d": "held_out"}  # c is a near-duplicate that the split dropped
    dataset = frontal_pictures(Dataset(rows, splits, np.zeros((4, 8, 8), np.uint8)))
    assert list(dataset.splits) == ["test", "external", "audit"]


@pytest.mark.parametrize("kind", DRAWINGS)
def test_drawings_show_something_and_repeat(kind: str):
    for seed in range(20):
        first, again = (DRAWINGS[kind](PICTURE_SIDE, np.random.default_rng(seed)) for _ in range(2))
        assert first.shape == (PICTURE_SIDE, PICTURE_SIDE)
        assert first.dtype == np.uint8
        assert (first == again).all()


def test_blank_pictures_are_blank():
    assert all(is_blank(blank(PICTURE_SIDE, np.random.default_rng(seed))) for seed in range(20))


def test_no_photograph_is_both_learned_and_tested_with():
    assert not set(PHOTOS_TO_LEARN) & set(PHOTOS_TO_TEST)
    assert photos(PHOTOS_TO_LEARN, 20, 5, np.random.default_rng(0)).shape == (5, 20, 20)


def test_parts_and_mixtures_keep_the_size():
    picture = radiograph(3, 1, 1, image_size=96, covid=False)
    for change in (misplaced, part_of, shuffled):
        for seed in range(8):
            changed = change(picture, np.random.default_rng(seed))
            assert changed.shape == picture.shape
            assert (changed != picture).any()
