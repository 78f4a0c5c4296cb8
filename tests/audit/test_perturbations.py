import numpy as np
import pytest

from cxr.audit import perturbations as change

SIDE = 60


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 200, (3, SIDE, SIDE), np.uint8)


def test_mirroring_twice_gives_the_picture_back(pictures):
    assert not np.array_equal(change.flipped(pictures), pictures)
    assert np.array_equal(change.flipped(change.flipped(pictures)), pictures)


def test_a_shift_moves_what_stays_inside_and_repeats_the_edge(pictures):
    moved = change.shifted(pictures, right=0.1, down=-0.05)
    assert np.array_equal(moved[:, :-3, 6:], pictures[:, 3:, :-6])
    assert (moved[:, :, 0] == moved[:, :, 5]).all()


def test_brightness_is_cut_off_at_the_ends_of_the_range():
    pixels = np.array([[[0, 100, 250]]], np.uint8)
    assert change.brightened(pixels, 0.1).tolist() == [[[26, 126, 255]]]
    assert change.brightened(pixels, -0.1).tolist() == [[[0, 74, 224]]]


def test_jpeg_changes_little_at_high_quality_and_more_at_low(pictures):
    smooth = np.sort(pictures, axis=2)
    high, low = (np.abs(change.recompressed(smooth, q).astype(int) - smooth).mean() for q in (95, 5))
    assert 0 < high < low < 30


@pytest.mark.parametrize("corner", ["top left", "top right", "bottom left", "bottom right"])
def test_a_marker_writes_in_its_corner_alone(corner):
    black = np.zeros((2, SIDE, SIDE), np.uint8)
    rows, columns = np.nonzero(change.marked(black, "AP", corner)[0])
    vertical, horizontal = corner.split()
    assert len(rows)
    assert (rows < SIDE / 3).all() if vertical == "top" else (rows > SIDE * 2 / 3).all()
    assert (columns < SIDE / 3).all() if horizontal == "left" else (columns > SIDE * 2 / 3).all()


def test_a_marker_does_not_darken(pictures):
    assert (change.marked(pictures, "AP", "top right") >= pictures).all()


def test_blacking_out_leaves_the_rest_as_it_was(pictures):
    masks = np.random.default_rng(1).random(pictures.shape) < 0.5
    hidden = change.blacked_out(pictures, masks)
    assert (hidden[masks] == 0).all()
    assert np.array_equal(hidden[~masks], pictures[~masks])


def test_only_the_frame_outside_the_lungs_is_left_of_a_border():
    white = np.full((1, SIDE, SIDE), 255, np.uint8)
    masks = np.zeros((1, SIDE, SIDE), bool)
    masks[:, :, :10] = True  # lungs that reach the edge, as in a tight crop
    left = change.border_only(white, 0.1, masks)[0]
    assert (left[6:-6, 6:-6] == 0).all()
    assert (left[:, :10] == 0).all()
    assert (left[:, -6:] == 255).all()


def test_a_box_hides_the_outline_of_the_lungs():
    masks = np.zeros((2, SIDE, SIDE), bool)
    masks[0, 10, 20] = masks[0, 30, 40] = True
    boxes = change.lung_boxes(masks)
    assert boxes[0].sum() == 21 * 21
    assert boxes[0, 10:31, 20:41].all()
    assert not boxes[1].any()


def test_every_harmless_change_keeps_shape_and_type_and_changes_something(pictures):
    changes = change.harmless(shift=0.05, brightness=0.1, qualities=(75, 40), marker="AP")
    assert len(changes) == 10
    for name, apply in changes.items():
        changed = apply(pictures)
        assert (changed.shape, changed.dtype) == (pictures.shape, np.uint8), name
        assert not np.array_equal(changed, pictures), name
