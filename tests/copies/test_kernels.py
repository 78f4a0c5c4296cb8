"""The compiled kernels against numpy and scipy."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from cxr.copies.kernels import descriptors, laid_over, local_contrast


def contrast_of(window: np.ndarray, reach: int) -> np.ndarray:
    size = 2 * reach + 1
    detail = window - uniform_filter(window, size, mode="nearest")
    spread = np.sqrt(np.maximum(uniform_filter(detail**2, size, mode="nearest"), 0))
    return np.clip(detail / (spread + 0.1 * np.sqrt((detail**2).mean()) + 1e-3), -2.5, 2.5)


@pytest.fixture
def picture() -> np.ndarray:
    """Smooth, so that a place between two pixels has a value to compare."""
    down, across = np.mgrid[0:96, 0:96] / 96
    waves = np.sin(9 * down + 2) * np.cos(7 * across) + np.sin(13 * across * down) + down
    return (127 + 50 * waves).astype(np.uint8)


@pytest.mark.parametrize("reach", [1, 3])
def test_local_contrast_is_what_scipy_makes_it(picture: np.ndarray, reach: int) -> None:
    window = picture[10:34, 20:44].astype(np.float32)
    np.testing.assert_allclose(local_contrast(window, reach), contrast_of(window.astype(float), reach), atol=1e-3)


def test_local_contrast_hardly_sees_a_change_of_grey_levels(picture: np.ndarray) -> None:
    window = picture[10:34, 20:44].astype(np.float32)
    changed = 255 * (window / 255) ** 1.4
    assert np.corrcoef(local_contrast(window, 2).ravel(), local_contrast(changed, 2).ravel())[0, 1] > 0.97


def test_a_descriptor_is_the_contrast_at_a_place_with_length_one(picture: np.ndarray) -> None:
    """24 by 24 samples, each the mean of the pixels around it: every second pixel of the upper left part."""
    pictures = np.stack([np.zeros_like(picture), picture])
    found = descriptors(pictures, np.array([1]), np.zeros((1, 2)), np.full((1, 2), 0.5), 24, 2)[0]
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    window = picture[:48, :48].reshape(24, 2, 24, 2).mean((1, 3))
    assert np.corrcoef(found, contrast_of(window, 2).ravel())[0, 1] > 0.95


def test_a_crop_is_laid_where_it_was_cut_out(picture: np.ndarray) -> None:
    crop = np.kron(picture[24:72, 12:60], np.ones((2, 2), np.uint8))
    begun = np.array([[0.22, 0.15]]), np.array([[0.53, 0.48]])
    pictures = np.stack([picture, crop])
    found, start, size = laid_over(pictures, np.array([0]), np.array([1]), *begun, 32, 3)
    assert found[0] > 0.97
    np.testing.assert_allclose([*start[0], *size[0]], [0.25, 0.125, 0.5, 0.5], atol=0.01)


def test_too_small_an_overlap_says_nothing(picture: np.ndarray) -> None:
    pictures = np.stack([picture, picture])
    far = np.array([[0.9, 0.9]]), np.ones((1, 2))
    assert laid_over(pictures, np.array([0]), np.array([1]), *far, 20, 2)[0][0] == -1
