"""Each operation by itself: what it does to a picture, and what it leaves alone."""

import numpy as np
import pytest

from cxr.augmentation import operations
from cxr.augmentation.operations import GREY_LEVELS


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)


@pytest.fixture
def smooth() -> np.ndarray:
    rows, columns = np.mgrid[:40, :40]
    return (rows * 4 + columns * 2).astype(np.uint8)


def still() -> np.ndarray:
    return operations.translation(0, 0)


# --- where a pixel comes from ---------------------------------------------------------------------------------


def test_a_map_that_moves_nothing_gives_the_picture_back(picture: np.ndarray) -> None:
    for margin in (0, 7):
        np.testing.assert_array_equal(operations.affine(picture, still(), margin), picture)


@pytest.mark.parametrize(("right", "down"), [(3, 0), (-3, 0), (0, 5), (2, -4)])
def test_whole_pixels_are_moved_exactly_and_the_edge_is_repeated(picture: np.ndarray, right: int, down: int) -> None:
    moved = operations.affine(picture, operations.translation(right, down), margin=5)
    rows = np.clip(np.arange(40) - down, 0, 39)
    columns = np.clip(np.arange(40) - right, 0, 39)
    np.testing.assert_array_equal(moved, picture[rows[:, None], columns])


def test_beyond_the_margin_a_picture_is_black() -> None:
    white = np.full((20, 20), 255, np.uint8)
    moved = operations.affine(white, operations.translation(10, 0), margin=4)
    assert (moved[:, :6] == 0).all()
    assert (moved[:, 6:] == 255).all()


def test_a_quarter_turn_is_the_picture_turned_by_ninety_degrees(picture: np.ndarray) -> None:
    linear = operations.turn_and_scale(np.pi / 2)
    about_the_centre = np.column_stack([linear, 20 - linear @ np.array([20, 20])])
    turned = operations.affine(picture, about_the_centre, margin=2).astype(int)
    assert np.abs(turned - np.rot90(picture, 3)).max() <= 1  # Pillow cuts fractions off


def test_a_scale_of_minus_one_mirrors(picture: np.ndarray) -> None:
    linear = operations.turn_and_scale(0, across=-1)
    about_the_centre = np.column_stack([linear, 20 - linear @ np.array([20, 20])])
    np.testing.assert_array_equal(operations.affine(picture, about_the_centre), operations.mirrored(picture))


def test_twice_as_large_shows_the_middle_half() -> None:
    spot = np.zeros((40, 40), np.uint8)
    spot[15:25, 15:25] = 255
    linear = operations.turn_and_scale(0, across=2, down=2)
    larger = operations.affine(spot, np.column_stack([linear, 20 - linear @ np.array([20, 20])]))
    assert (larger > 128).sum() == 20 * 20


def test_mirroring_works_on_one_picture_and_on_many(picture: np.ndarray) -> None:
    np.testing.assert_array_equal(operations.mirrored(picture), picture[:, ::-1])
    np.testing.assert_array_equal(operations.mirrored(np.stack([picture] * 2)), np.stack([picture[:, ::-1]] * 2))


def test_a_crop_shows_what_is_inside_at_the_old_size() -> None:
    framed = np.zeros((40, 40), np.uint8)
    framed[5:30, 10:38] = 200
    cropped = operations.crop(framed, left=10, top=5, right=2, bottom=10)
    assert (cropped[2:-2, 2:-2] == 200).all()  # the outermost pixels are mixed with what lay beside them
    assert cropped.min() > 100


# --- grey levels ----------------------------------------------------------------------------------------------


def test_levels_as_they_are_leave_a_picture_as_it_is(picture: np.ndarray) -> None:
    np.testing.assert_array_equal(operations.regraded(picture, GREY_LEVELS), picture)
    np.testing.assert_array_equal(operations.regraded(picture, GREY_LEVELS.astype(np.float32)), picture)


def test_gamma_keeps_black_and_white_and_moves_the_middle() -> None:
    for power, brighter in ((0.5, True), (2.0, False)):
        levels = operations.gamma(GREY_LEVELS, power)
        assert (levels[0], levels[-1]) == (0, 1)
        assert (levels[128] > GREY_LEVELS[128]) == brighter


def test_contrast_moves_everything_away_from_mid_grey() -> None:
    levels = operations.contrast(GREY_LEVELS, 1.5)
    np.testing.assert_allclose(levels - 0.5, 1.5 * (GREY_LEVELS - 0.5))


def test_brightness_in_whole_steps_adds_them_and_is_cut_off(picture: np.ndarray) -> None:
    for step in range(-255, 256):
        found = operations.regraded(picture, operations.brightness(GREY_LEVELS, step / 255))
        np.testing.assert_array_equal(found, np.clip(picture.astype(int) + step, 0, 255))


def test_the_type_of_the_levels_is_kept() -> None:
    levels = GREY_LEVELS.astype(np.float32)
    for changed in (
        operations.gamma(levels, 1.7),
        operations.contrast(levels, 1.2),
        operations.brightness(levels, 0.1),
        operations.noise(levels, np.ones(256, np.float32), 0.1),
    ):
        assert changed.dtype == np.float32


def test_noise_has_the_deviation_that_was_asked_for() -> None:
    drawn = np.random.default_rng(0).standard_normal((200, 200))
    grey = np.full((200, 200), 0.5)
    assert operations.noise(grey, drawn, 0.05).std() == pytest.approx(0.05, rel=0.02)
    np.testing.assert_array_equal(operations.noise(grey, drawn, 0), grey)


def test_equalising_spreads_the_levels_over_the_whole_range(smooth: np.ndarray) -> None:
    dull = smooth // 8 + 100
    spread = operations.equalise(dull)
    assert (spread.min(), spread.max()) == (0, 255)
    assert np.corrcoef(dull.ravel(), spread.ravel())[0, 1] > 0.98


# --- sharpness and storage ------------------------------------------------------------------------------------


def test_blur_evens_out_neighbours_and_a_radius_of_zero_does_nothing(picture: np.ndarray) -> None:
    np.testing.assert_array_equal(operations.blur(picture, 0), picture)
    assert operations.blur(picture, 2).std() < picture.std() / 2


def test_jpeg_loses_more_at_low_quality(smooth: np.ndarray) -> None:
    losses = [np.abs(operations.jpeg(smooth, quality).astype(int) - smooth).mean() for quality in (95, 40, 5)]
    assert losses == sorted(losses)
    assert losses[0] < 2


def test_every_operation_on_pictures_keeps_shape_and_type(picture: np.ndarray) -> None:
    for changed in (
        operations.affine(picture, operations.translation(1.5, 0.2)),
        operations.mirrored(picture),
        operations.crop(picture, 1, 2, 3, 4),
        operations.regraded(picture, GREY_LEVELS),
        operations.equalise(picture),
        operations.blur(picture, 1),
        operations.jpeg(picture, 60),
    ):
        assert (changed.shape, changed.dtype) == ((40, 40), np.uint8)
