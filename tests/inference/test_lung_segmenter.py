"""Finding the lungs: cleaning of masks, what of a heat map lies inside, and the small network."""

from pathlib import Path

import numpy as np
import pytest

from cxr.inference.lung_segmenter import (
    LungSegmenter,
    clean,
    components,
    dice,
    fill_holes,
    largest_components,
    share_inside,
)
from tests.tiny import dark_is_lung

# --- masks ------------------------------------------------------------------------------------------------


def random_masks(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    sizes = [(1, 1), (1, 9), (7, 1), *((13, 17) for _ in range(count))]
    return [rng.random(size) < rng.uniform(0.2, 0.8) for size in sizes]


@pytest.mark.parametrize("mask", random_masks(30))
def test_components_and_holes_are_those_that_scipy_finds(mask: np.ndarray):
    ndimage = pytest.importorskip("scipy.ndimage")
    expected, count = ndimage.label(mask)
    found = components(mask)
    assert found.max() == count
    assert len(set(zip(found.ravel(), expected.ravel(), strict=True))) == len(np.unique(expected))
    assert (fill_holes(mask) == ndimage.binary_fill_holes(mask)).all()


def test_only_the_two_largest_parts_are_lungs():
    mask = np.zeros((10, 12), bool)
    mask[1:9, 1:4], mask[1:8, 6:9], mask[0, 11], mask[4:6, 10:12] = True, True, True, True
    cleaned = clean(mask)
    assert cleaned[:, :9].sum() == mask[:, :9].sum()
    assert not cleaned[:, 9:].any()


def test_a_hole_in_a_lung_is_lung():
    mask = np.ones((8, 8), bool)
    mask[3:5, 3:5] = False
    assert clean(mask).all()


@pytest.mark.parametrize("level", [False, True])
def test_a_mask_of_one_level_stays_as_it_is(level: bool):
    mask = np.full((6, 6), level)
    assert (clean(mask) == mask).all()
    assert (largest_components(mask, 2) == mask).all()


def test_dice_is_twice_the_overlap_over_both_areas():
    a, b = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    a[:2], b[1:3] = True, True
    assert dice(a, b) == pytest.approx(0.5)
    assert dice(a, a) == 1
    assert dice(a, ~a) == 0


def test_two_empty_masks_agree():
    assert dice(np.zeros((3, 3), bool), np.zeros((3, 3), bool)) == 1


# --- what of a heat map lies inside --------------------------------------------------------------------------


def test_the_share_inside_counts_each_place_by_the_part_of_it_that_the_mask_covers():
    mask = np.zeros((40, 40), bool)
    mask[:10, :5] = True  # half of the first of 4 x 4 places
    weights = np.zeros((4, 4))
    weights[0, 0], weights[3, 3] = 1.0, 3.0
    assert share_inside(mask, weights) == pytest.approx(0.5 * 1 / 4)


def test_all_weight_inside_is_one_and_all_outside_is_none_of_it():
    mask = np.zeros((299, 299), bool)
    mask[:, :150] = True
    left, right = np.zeros((8, 8)), np.zeros((8, 8))
    left[:, :4], right[:, 4:] = 2.0, 2.0
    assert share_inside(mask, left) == pytest.approx(1, abs=1e-3)
    assert share_inside(mask, right) == pytest.approx(0, abs=1e-2)
    assert share_inside(mask, left + right) == pytest.approx(0.5, abs=1e-2)


def test_without_lungs_or_without_weights_there_is_no_share():
    assert share_inside(np.zeros((9, 9), bool), np.ones((3, 3))) is None
    assert share_inside(np.ones((9, 9), bool), np.zeros((3, 3))) is None


# --- the network, exported ----------------------------------------------------------------------------------


@pytest.mark.parametrize("image_size", [16, 40])
def test_masks_have_the_size_of_the_pictures_and_are_clean(tmp_path: Path, image_size: int):
    pixels = np.full((3, image_size, image_size), 200, np.uint8)
    quarter = image_size // 4
    pixels[:, quarter : 3 * quarter, 1:quarter] = 10
    pixels[:, quarter : 3 * quarter, -quarter:-1] = 10
    pixels[:, 2 * quarter, quarter // 2] = 200  # a hole in the first lung
    masks = LungSegmenter.load(dark_is_lung(tmp_path)).masks(pixels)
    assert masks.shape == pixels.shape
    assert masks.dtype == bool
    assert components(masks[0]).max() == 2
    truth = pixels < 100
    truth[:, 2 * quarter, quarter // 2] = True
    assert dice(masks[0], truth[0]) > 0.85


def test_no_picture_gives_no_mask(tmp_path: Path):
    assert LungSegmenter.load(dark_is_lung(tmp_path)).masks(np.zeros((0, 16, 16), np.uint8)).shape == (0, 16, 16)


def test_a_folder_without_a_network_has_no_segmenter(tmp_path: Path):
    assert LungSegmenter.load_if_trained(tmp_path) is None
    dark_is_lung(tmp_path)
    assert LungSegmenter.load_if_trained(tmp_path) is not None
