from dataclasses import replace

import numpy as np
import pytest

from cxr.augmentation.photometric import photometric_view
from cxr.augmentation.settings import PhotometricParams

PARAMS = PhotometricParams(
    share=1.0,
    crop_fraction=0.14,
    gamma=1.65,
    contrast=0.4,
    brightness=0.15,
    blur_pixels=1.5,
    jpeg_quality=25,
    equalise=0.3,
)
NOTHING = PhotometricParams(
    share=1.0, crop_fraction=0, gamma=1, contrast=0, brightness=0, blur_pixels=0, jpeg_quality=95, equalise=0
)


@pytest.fixture
def picture() -> np.ndarray:
    rows, columns = np.mgrid[:64, :64]
    return (rows * 2 + columns).astype(np.uint8)


def test_a_version_keeps_shape_and_type_and_differs(picture):
    for seed in range(20):
        version = photometric_view(picture, PARAMS, np.random.default_rng(seed))
        assert (version.shape, version.dtype) == (picture.shape, np.uint8)
        assert not np.array_equal(version, picture)


def test_the_same_draw_gives_the_same_version(picture):
    first, again = (photometric_view(picture, PARAMS, np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(first, again)


def test_the_share_says_how_many_are_changed(picture):
    params, rng = replace(PARAMS, share=0.5), np.random.default_rng(0)
    same = np.mean([np.array_equal(photometric_view(picture, params, rng), picture) for _ in range(200)])
    assert same == pytest.approx(0.5, abs=0.12)


def test_without_any_strength_a_picture_stays_as_it_was_but_for_compression(picture):
    for seed in range(10):
        version = photometric_view(picture, NOTHING, np.random.default_rng(seed)).astype(int)
        assert np.abs(version - picture).mean() < 2


def test_the_border_is_cut_off(picture):
    framed = np.zeros((100, 100), np.uint8)
    framed[5:-5, 5:-5] = 200
    cropping = replace(NOTHING, crop_fraction=0.2)
    shares = [(photometric_view(framed, cropping, np.random.default_rng(seed)) < 50).mean() for seed in range(40)]
    assert np.mean(shares) < (framed < 50).mean() / 2
