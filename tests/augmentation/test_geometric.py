import math
from dataclasses import replace

import numpy as np
from PIL import Image

from cxr.augmentation.geometric import augmentation_rng, augmented_view
from cxr.augmentation.photometric import UNCHANGED
from cxr.augmentation.settings import AugmentationParams, PhotometricParams

ORIGINAL = AugmentationParams(rotation_degrees=20, shift_fraction=0.2, horizontal_flip=True, photometric=UNCHANGED)


def ramp(image_size: int = 40) -> np.ndarray:
    return np.tile(np.linspace(0, 255, image_size).astype(np.uint8), (image_size, 1))


def test_without_augmentation_a_view_is_the_picture() -> None:
    nothing = AugmentationParams(rotation_degrees=0, shift_fraction=0, horizontal_flip=False, photometric=UNCHANGED)
    picture = np.random.default_rng(0).integers(0, 256, (31, 31), np.uint8)
    np.testing.assert_array_equal(augmented_view(picture, nothing, augmentation_rng(1, "a", 0)), picture)


def test_a_view_is_the_same_each_time_and_differs_from_the_others() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    first = augmented_view(picture, ORIGINAL, augmentation_rng(5, "abc", 2))
    np.testing.assert_array_equal(first, augmented_view(picture, ORIGINAL, augmentation_rng(5, "abc", 2)))
    for other in (augmentation_rng(5, "abc", 3), augmentation_rng(6, "abc", 2), augmentation_rng(5, "abd", 2)):
        assert (augmented_view(picture, ORIGINAL, other) != first).any()


def test_without_exposures_the_views_are_the_originals_bit_for_bit() -> None:
    """The exposure draws last, so that the turn, the shift and the flip are the same whatever its strength."""
    strong = PhotometricParams(
        share=0.5, crop_fraction=0.14, gamma=1.65, contrast=0.4, brightness=0.15, blur_pixels=1.5, jpeg_quality=25,
        equalise=0.3,
    )  # fmt: skip
    picture = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    same = 0
    for k in range(60):
        original = augmented_view(picture, ORIGINAL, augmentation_rng(5, "abc", k))
        off = replace(ORIGINAL, photometric=replace(strong, share=0.0))
        np.testing.assert_array_equal(augmented_view(picture, off, augmentation_rng(5, "abc", k)), original)
        same += np.array_equal(
            augmented_view(picture, replace(ORIGINAL, photometric=strong), augmentation_rng(5, "abc", k)), original
        )
    assert 18 <= same <= 42  # share: half of the views stay the original's


def test_a_view_is_bit_for_bit_the_map_written_out_by_hand() -> None:
    """Feature caches hold what these views became; where a bit of them moves, the caches' format must rise."""
    picture = np.random.default_rng(0).integers(0, 256, (51, 51), np.uint8)
    margin = 23  # enough for 20 degrees and a fifth of 51 pixels
    for k in range(40):
        rng = augmentation_rng(5, "abc", k)
        angle = math.radians(rng.uniform(-20, 20))
        right, down = rng.uniform(-0.2, 0.2, 2) * 51
        flip = -1.0 if rng.random() < 0.5 else 1.0
        a, b, d, e = flip * math.cos(angle), flip * math.sin(angle), -math.sin(angle), math.cos(angle)
        c = 25.5 - a * (25.5 + right) - b * (25.5 + down) + margin
        f = 25.5 - d * (25.5 + right) - e * (25.5 + down) + margin
        padded = Image.fromarray(np.pad(picture, margin, mode="edge"))
        expected = padded.transform((51, 51), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(
            augmented_view(picture, ORIGINAL, augmentation_rng(5, "abc", k)), np.asarray(expected)
        )


def test_half_of_the_views_are_mirrored() -> None:
    only_flip = AugmentationParams(rotation_degrees=0, shift_fraction=0, horizontal_flip=True, photometric=UNCHANGED)
    mirrored = [augmented_view(ramp(), only_flip, augmentation_rng(1, "a", k))[0, 0] > 128 for k in range(400)]
    assert 160 < sum(mirrored) < 240
    np.testing.assert_array_equal(
        augmented_view(ramp(), only_flip, augmentation_rng(1, "a", mirrored.index(True))), ramp()[:, ::-1]
    )


def test_a_shift_moves_the_picture_by_no_more_than_its_fraction() -> None:
    only_shift = AugmentationParams(
        rotation_degrees=0, shift_fraction=0.25, horizontal_flip=False, photometric=UNCHANGED
    )
    picture = np.zeros((80, 80), np.uint8)
    picture[38:42, 38:42] = 255
    centres = []
    for k in range(200):
        weights = augmented_view(picture, only_shift, augmentation_rng(2, "a", k)).astype(float)
        rows, columns = np.indices(weights.shape)
        centres.append(((weights * rows).sum() / weights.sum(), (weights * columns).sum() / weights.sum()))
    offsets = np.abs(np.array(centres) - 39.5)
    assert offsets.max() <= 0.25 * 80 + 0.5
    assert offsets.max() > 0.2 * 80


def test_a_rotation_turns_about_the_centre_within_its_limit() -> None:
    only_turn = AugmentationParams(rotation_degrees=30, shift_fraction=0, horizontal_flip=False, photometric=UNCHANGED)
    picture = np.zeros((81, 81), np.uint8)
    picture[39:42, 60:70] = 255  # a mark to the right of the centre
    angles = []
    for k in range(200):
        weights = augmented_view(picture, only_turn, augmentation_rng(3, "a", k)).astype(float)
        rows, columns = np.indices(weights.shape)
        dy, dx = (weights * rows).sum() / weights.sum() - 40, (weights * columns).sum() / weights.sum() - 40
        assert abs(np.hypot(dx, dy) - 24.5) < 1
        angles.append(np.degrees(np.arctan2(dy, dx)))
    assert max(np.abs(angles)) <= 31
    assert max(angles) > 25
    assert min(angles) < -25


def test_what_comes_in_from_outside_repeats_the_edge_and_is_never_black() -> None:
    wide = AugmentationParams(rotation_degrees=180, shift_fraction=0.5, horizontal_flip=True, photometric=UNCHANGED)
    picture = np.full((50, 50), 200, np.uint8)
    for k in range(100):
        np.testing.assert_array_equal(augmented_view(picture, wide, augmentation_rng(1, "b", k)), picture)
