"""The strong recipe: what is moved, what is exposed otherwise, and what stays."""

import numpy as np

from cxr.augmentation import operations
from cxr.augmentation.strong import StrongParams, strong_view, strong_view_pair
from cxr.inference.lung_segmenter import dice

STILL = StrongParams(0, 1, 1, 0, 1, 1, 0, 0)
MOVING = StrongParams(20, 1.3, 1.2, 0.1, 1, 1, 0, 0)
EXPOSED = StrongParams(0, 1, 1, 0, 1.5, 1.5, 0.2, 0.05)


def two_lungs() -> np.ndarray:
    """uint8[64, 64]: two white ellipses on black."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    inside = [((x - centre) / 0.25) ** 2 + (y / 0.5) ** 2 < 1 for centre in (-0.45, 0.4)]
    return np.any(inside, axis=0).astype(np.uint8) * 255


def test_a_mask_moves_with_its_picture() -> None:
    mask = two_lungs()
    for seed in range(20):
        moved, with_it = strong_view_pair(mask, mask, MOVING, np.random.default_rng(seed))
        assert dice(moved >= 128, with_it >= 128) > 0.98


def test_exposure_moves_nothing() -> None:
    mask = two_lungs()
    for seed in range(5):
        _, with_it = strong_view_pair(mask, mask, EXPOSED, np.random.default_rng(seed))
        assert max(dice(with_it >= 128, flip >= 128) for flip in (mask, mask[:, ::-1])) > 0.95


def test_without_distortion_a_picture_is_at_most_mirrored() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 20), np.uint8)
    for seed in range(5):
        found = strong_view(picture, STILL, np.random.default_rng(seed))
        assert any((found == same).all() for same in (picture, picture[:, ::-1]))


def test_the_same_draw_gives_the_same_version_and_another_draw_another() -> None:
    first, again, other = (strong_view(two_lungs(), MOVING, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_what_is_exposed_is_noise_over_the_table_that_the_operations_make() -> None:
    """Bit for bit: the gate and the segmenter learn from these pictures."""
    picture = np.random.default_rng(0).integers(0, 256, (24, 24), np.uint8)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rng.uniform(size=3)  # the turn, the zoom, the stretch
        flip = rng.random() < 0.5
        rng.uniform(size=2)  # the shift
        rng.random()  # the edge
        power, factor = (float(np.exp(rng.uniform(-1, 1) * np.log(1.5))) for _ in range(2))
        levels = np.arange(256, dtype=np.float32) / np.float32(255)
        levels = (levels ** np.float32(power) - 0.5) * np.float32(factor) + 0.5 + np.float32(rng.uniform(-0.2, 0.2))
        noise = rng.standard_normal((24, 24), np.float32)
        grey = levels[operations.mirrored(picture) if flip else picture] + noise * np.float32(rng.uniform(0, 0.05))
        expected = np.rint(np.clip(grey, 0, 1) * 255).astype(np.uint8)
        assert np.array_equal(strong_view(picture, EXPOSED, np.random.default_rng(seed)), expected)
