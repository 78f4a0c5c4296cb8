"""What the gate is trained with: threshold, folds, networks, and the pictures it is shown."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr.common.errors import CxrError
from cxr.data.dataset import Dataset
from cxr.data.manifest import OtherView
from cxr.data.splits import split_of_patient
from cxr.gate.body_parts import BODY_PARTS
from cxr.gate.dataset import LEARNED, GateDataset, frontal_pictures, joined, other_views
from cxr.gate.examples import draw_examples, misplaced, part_of, shuffled
from cxr.gate.mlp import train_networks
from cxr.gate.synthetic_negatives import DRAWINGS, PHOTOS_TO_LEARN, PHOTOS_TO_TEST, blank, photographs, photos
from cxr.gate.traced_parts import TRACED_PARTS
from cxr.gate.train import TrainedGate, folds, seen_by, threshold_for, weights_of
from cxr.imaging.exposure import exposure_fault
from cxr.inference.gate import FRONTAL, SIDE, Gate, is_blank
from cxr.sources.synthetic.radiograph import radiograph
from tests.gate.made import PARAMS, PICTURE_SIDE, SPLIT, material_of
from tests.rows import image_row

ALL_DRAWN = {**DRAWINGS, **BODY_PARTS, **TRACED_PARTS}

# --- threshold, folds --------------------------------------------------------------------------------------------


def test_the_threshold_refuses_at_most_the_share_that_was_asked_for():
    odds = np.random.default_rng(0).normal(-4, 2, 305)
    one_source = np.full(305, "a", object)
    for share in (0.0, 0.005, 0.01, 0.1):
        threshold = threshold_for(odds, one_source, share)
        assert (odds < threshold).mean() <= share
        assert (odds < np.nextafter(np.sort(odds)[(odds < threshold).sum()], np.inf)).mean() > share


def test_a_large_source_does_not_set_the_threshold_alone():
    rng = np.random.default_rng(0)
    odds = np.concatenate([rng.normal(-2, 1, 2000), rng.normal(-6, 1, 100)])
    sources = np.array(["large"] * 2000 + ["small"] * 100, object)
    refused = odds < threshold_for(odds, sources, 0.02)
    assert np.mean([refused[sources == name].mean() for name in ("large", "small")]) == pytest.approx(0.02, abs=0.006)
    assert threshold_for(odds, sources, 0.02) < threshold_for(odds, np.full(2100, "one", object), 0.02)


def test_what_is_likelier_frontal_than_not_always_passes():
    sources = np.array(["a", "a", "b"], object)
    assert threshold_for(np.array([3.0, 4.0, 5.0]), sources, 0.005) == 0
    assert threshold_for(np.array([-0.5, 4.0, 5.0]), sources, 0.005) == -0.5


def test_no_fold_learns_from_the_patients_that_it_judges(phantoms: GateDataset):
    shared = phantoms.patients.copy()
    shared[phantoms.kinds != FRONTAL] = shared[:80:4]  # a patient with a lateral view has frontal pictures too
    dataset = GateDataset(phantoms.pictures, phantoms.kinds, phantoms.sources, shared, phantoms.splits)
    shown, fold_of = draw_examples(dataset, PARAMS), folds(dataset, PARAMS)
    _, *by_fold = seen_by(shown, fold_of)
    assert len(by_fold) == PARAMS.folds
    for number, seen in enumerate(by_fold):
        judged = {patient for patient, fold in fold_of.items() if fold == number}
        assert judged
        assert not judged & set(shown.patients[seen])
        assert {"lateral", "frontal"} <= set(shown.kinds[seen])


def test_every_fold_has_its_share_of_the_rare_patients(phantoms: GateDataset):
    fold_of = folds(phantoms, PARAMS)
    known = phantoms.of("lateral", *LEARNED)
    assert np.bincount([fold_of[patient] for patient in known.patients]).tolist() == [8, 7]


def test_neither_gate_nor_judges_learn_from_test_patients(phantoms: GateDataset):
    shown, fold_of = draw_examples(phantoms, PARAMS), folds(phantoms, PARAMS)
    of_the_gate = shown.where(seen_by(shown, fold_of)[0])
    known = {*phantoms.patients[np.isin(phantoms.splits, LEARNED)], ""}  # "": what is drawn from nothing
    assert set(shown.patients) <= known
    assert set(fold_of) <= known
    assert set(of_the_gate.kinds) == {"frontal", "inverted", "misplaced", "other", "lateral"}


def test_every_picture_is_judged_by_one_gate_that_does_not_know_its_patient(phantoms: GateDataset):
    fold_of = folds(phantoms, PARAMS)
    gate = Gate(("frontal", "other"), (np.zeros((SIDE**2, 1)), np.zeros(1)), (np.zeros((1, 2)), np.zeros(2)), 0.0)
    trained = TrainedGate(gate, fold_of, [replace(gate, threshold=float(i)) for i in range(PARAMS.folds)])
    asked = trained.apart(phantoms)
    assert (sum(some.astype(int) for _, some in asked) == 1).all()
    assert asked[0][1].tolist() == [patient not in fold_of for patient in phantoms.patients]
    assert {one.threshold for one, _ in trained.at(-2.0).apart(phantoms)} == {-2.0}


def test_kinds_count_alike_and_frontal_pictures_twice():
    kinds = np.array(["frontal"] * 30 + ["ct"] * 4 + ["lateral"] * 6, object)
    weights = weights_of(kinds)
    sums = [weights[kinds == kind].sum() for kind in ("frontal", "ct", "lateral")]
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
    (tmp_path / "covid/images/deeper").mkdir(parents=True)
    for name in ("images/ct.png", "images/deeper/l.png"):
        Image.fromarray(np.full((9, 9), 7, np.uint8)).save(tmp_path / "covid" / name)
    (tmp_path / "covid/images/bad.png").write_bytes(b"no picture")
    return tmp_path


def test_ct_and_lateral_pictures_are_read_with_their_patients_and_splits(raw: Path):
    listed = [
        OtherView("covid/images/bad.png", "covid", "covid/5", "lateral"),
        OtherView("covid/images/ct.png", "covid", "covid/1", "ct"),
        OtherView("covid/images/deeper/l.png", "covid", "covid/2", "lateral"),
        OtherView("covid/volumes/v.nii.gz", "covid", "covid/3", "ct"),
    ]
    views = other_views(listed, raw, 16, SPLIT)
    assert list(views.kinds) == ["ct", "lateral"]
    assert list(views.patients) == ["covid/1", "covid/2"]
    assert list(views.sources) == ["covid", "covid"]
    assert list(views.splits) == [split_of_patient("covid/1", SPLIT), split_of_patient("covid/2", SPLIT)]
    assert views.pictures.shape == (2, 16, 16)


def test_pictures_of_other_body_parts_are_learned_as_no_x_ray_of_a_chest(phantoms: GateDataset):
    hands = np.stack([BODY_PARTS["hand"](PICTURE_SIDE, np.random.default_rng(i)) for i in range(4)])
    dataset = joined(phantoms, material_of(hands, "other", ["train"] * 3 + ["test"], "mura"))
    shown = draw_examples(dataset, PARAMS)
    known = shown.where(np.isin(shown.patients, ["mura/0", "mura/1", "mura/2"]))
    assert len(known) == PARAMS.versions
    assert set(known.kinds) == {"other"}
    assert "mura/3" not in shown.patients


def test_a_source_without_other_views_gives_none(tmp_path: Path):
    views = other_views([], tmp_path, 16, SPLIT)
    assert len(views) == 0
    assert views.pictures.shape == (0, 16, 16)


def test_frontal_pictures_keep_their_side_and_those_only_tested_on_their_role():
    rows = [image_row("a"), image_row("b", role="external"), image_row("c"), image_row("d", role="audit")]
    splits = {"a": "test", "b": "held_out", "d": "held_out"}  # c is a near-duplicate that the split dropped
    dataset = frontal_pictures(Dataset(rows, splits, np.zeros((4, 8, 8), np.uint8)))
    assert list(dataset.splits) == ["test", "external", "audit"]


@pytest.mark.parametrize("kind", [*DRAWINGS, *BODY_PARTS, *TRACED_PARTS])
def test_drawings_show_something_and_repeat(kind: str):
    for seed in range(6):
        first, again = (ALL_DRAWN[kind](PICTURE_SIDE, np.random.default_rng(seed)) for _ in range(2))
        assert first.shape == (PICTURE_SIDE, PICTURE_SIDE)
        assert first.dtype == np.uint8
        assert (first == again).all()
        assert exposure_fault(first) != "blank"


def test_no_body_part_is_both_learned_and_tested_with():
    assert not set(BODY_PARTS) & set(TRACED_PARTS)
    assert {draw.__module__ for draw in TRACED_PARTS.values()} == {"cxr.gate.traced_parts"}


def test_blank_pictures_are_blank():
    assert all(is_blank(blank(PICTURE_SIDE, np.random.default_rng(seed))) for seed in range(20))


def test_no_photograph_is_both_learned_and_tested_with():
    assert not set(PHOTOS_TO_LEARN) & set(PHOTOS_TO_TEST)
    assert photos(PHOTOS_TO_LEARN, 20, 5, np.random.default_rng(0)).shape == (5, 20, 20)


def test_another_picture_in_a_library_is_one_sentence_that_says_what_to_do():
    replaced = PHOTOS_TO_LEARN[0]._replace(sha256="0" * 64)
    gone = PHOTOS_TO_LEARN[0]._replace(file="datasets/images/atlantis.jpg")
    for photograph, words in ((replaced, "is another picture"), (gone, "is missing")):
        with pytest.raises(CxrError, match=rf"datasets/images/\w+\.jpg of sklearn {words}.*uv\.lock") as caught:
            photographs((photograph,))
        assert "\n" not in str(caught.value)


def test_parts_and_mixtures_keep_the_size():
    picture = radiograph(3, 1, 1, image_size=96, covid=False)
    for change in (misplaced, part_of, shuffled):
        for seed in range(8):
            changed = change(picture, np.random.default_rng(seed))
            assert changed.shape == picture.shape
            assert (changed != picture).any()
