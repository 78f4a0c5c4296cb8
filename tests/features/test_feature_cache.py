"""The feature cache: what its numbers are, and what is computed when."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import CxrError
from cxr.features.feature_cache import NO_AUGMENTATION, FeatureCache
from tests.features.fake_trunk import SHAPE, SPEC, FakeTrunk, Pictures, exact, features, filled
from tests.labelled import pictures

ROOT = Path(__file__).parents[2]


# --- what the numbers are -----------------------------------------------------------------------------------


def test_bytes_times_scales_are_the_trunks_features(tmp_path: Path, many: Pictures) -> None:
    """Off by at most half a step of the channel, and by less than 1 % in length."""
    found, expected = features(filled(tmp_path, many), many.keys), exact(many)
    half_step = FeatureCache(tmp_path, SPEC, SHAPE).scales() / 2
    assert (np.abs(found - expected) <= half_step * 1.001).all()
    assert np.linalg.norm(found - expected) < 0.01 * np.linalg.norm(expected)
    for channel in range(3):  # each in its own units, however small
        assert np.corrcoef(found[..., channel::3].ravel(), expected[..., channel::3].ravel())[0, 1] > 0.999


def test_plain_views_are_the_pictures_themselves(tmp_path: Path, many: Pictures) -> None:
    trunk = FakeTrunk()
    spec = replace(SPEC, augmented_views=1, augmentation=NO_AUGMENTATION)
    FeatureCache(tmp_path, spec, SHAPE).fill(many.keys, many, trunk)
    assert {picture.tobytes() for picture in many.stored} == set(trunk.seen)


def test_a_view_is_the_same_picture_whatever_stands_beside_it(tmp_path: Path, many: Pictures) -> None:
    """Another order, other neighbours, several fills: the trunk is shown the same bytes."""
    backwards = Pictures(many.stored[::-1])
    first, second = FakeTrunk(), FakeTrunk()
    FeatureCache(tmp_path / "a", SPEC, SHAPE).fill(many.keys, many, first)
    other = FeatureCache(tmp_path / "b", SPEC, SHAPE)
    for count in (3, 40, 70):
        other.fill(backwards.keys[:count], backwards, second)
    assert set(first.seen) == set(second.seen)
    assert len(set(first.seen)) == len(many.keys)
    both = [features(cache, many.keys) for cache in (FeatureCache(tmp_path / "a", SPEC, SHAPE), other)]
    step = np.maximum(other.scales(), FeatureCache(tmp_path / "a", SPEC, SHAPE).scales())
    # Only the first images' rounding may differ, never the picture.
    assert (np.abs(both[0] - both[1]) <= step).mean() > 0.99


def test_a_bank_keeps_the_meaning_of_its_bytes_when_it_grows(tmp_path: Path, many: Pictures) -> None:
    cache = FeatureCache(tmp_path, SPEC, SHAPE)
    cache.fill(many.keys[:20], many, FakeTrunk())
    before, scales = features(cache, many.keys[:20]).copy(), cache.scales()
    brighter = Pictures(np.full((1, 16, 16), 255, np.uint8))
    cache.fill([*many.keys, *brighter.keys], lambda i: many(i) if i < 70 else brighter(0), FakeTrunk())
    np.testing.assert_array_equal(cache.scales(), scales)
    np.testing.assert_array_equal(features(cache, many.keys[:20]), before)


def test_features_beyond_the_range_of_the_first_images_are_clipped_not_wrapped(tmp_path: Path) -> None:
    dark, bright = Pictures(pictures(5, image_size=16) // 8), Pictures(np.full((1, 16, 16), 255, np.uint8))
    cache = filled(tmp_path, dark)
    cache.fill(bright.keys, bright, FakeTrunk())
    assert (features(cache, bright.keys)[..., 0] > features(cache, dark.keys)[..., 0].max()).all()


def test_a_channel_that_is_silent_at_first_is_heard_later(tmp_path: Path) -> None:
    flat, noisy = Pictures(np.full((3, 16, 16), 100, np.uint8)), Pictures(pictures(3, image_size=16))
    cache = filled(tmp_path, flat)  # no spread in any of them
    cache.fill(noisy.keys, noisy, FakeTrunk())
    assert (cache.scales() > 0).all()
    assert np.isfinite(features(cache, noisy.keys)).all()


class SignedTrunk(FakeTrunk):
    """The middle channel is never negative, the first always, the last both."""

    def maps(self, batch: np.ndarray) -> np.ndarray:
        return super().maps(batch) * np.array([-1, 1, 1], np.float32) - np.array([0, 0, 0.75], np.float32)


def test_negative_features_are_kept_as_exactly_as_others(tmp_path: Path, many: Pictures) -> None:
    spec = replace(SPEC, augmented_views=1, augmentation=NO_AUGMENTATION)
    cache = FeatureCache(tmp_path, spec, SHAPE)
    cache.fill(many.keys, many, SignedTrunk())
    offsets = cache.offsets()
    assert offsets is not None
    found = cache.features()[cache.rows(many.keys), 0] * cache.scales() + offsets
    expected = SignedTrunk().maps(many.stored).reshape(len(found), -1)
    assert (np.abs(found - expected) <= cache.scales() / 2 * 1.01).mean() > 0.99
    assert expected.min() < 0 < expected.max()
    again = FeatureCache(tmp_path, spec, SHAPE)
    np.testing.assert_array_equal(again.offsets(), offsets)


def test_features_that_are_never_negative_need_no_offset(tmp_path: Path, many: Pictures) -> None:
    cache = filled(tmp_path, many)
    assert cache.offsets() is None
    assert np.load(cache.directory / "scales.npy").shape == (3,)


# --- what is computed, and when -----------------------------------------------------------------------------


def test_only_new_images_are_computed(tmp_path: Path, many: Pictures) -> None:
    filled(tmp_path, Pictures(many.stored[:50]))
    cache, trunk, done = FeatureCache(tmp_path, SPEC, SHAPE), FakeTrunk(), list[int]()
    assert cache.missing(many.keys) == 20
    assert cache.fill(many.keys, many, trunk, done.append) == 20
    assert len(trunk.seen) == sum(done) == 20
    assert cache.missing(many.keys) == 0
    assert cache.fill(many.keys, many, trunk) == 0
    assert len(trunk.seen) == 20


def test_an_image_that_comes_twice_is_computed_once(tmp_path: Path, many: Pictures) -> None:
    twice = Pictures(np.concatenate([many.stored[:4], many.stored[:4]]))
    cache, trunk = FeatureCache(tmp_path, SPEC, SHAPE), FakeTrunk()
    assert cache.missing(twice.keys) == 4
    assert cache.fill(twice.keys, twice, trunk) == 4
    assert max(Counter(trunk.seen).values()) <= 2  # once for its row, once to set the scales
    rows = cache.rows(twice.keys)
    np.testing.assert_array_equal(rows[:4], rows[4:])
    assert len(cache.features()) == 4


def test_no_images_need_nothing(tmp_path: Path) -> None:
    assert FeatureCache(tmp_path, SPEC, SHAPE).fill([], pictures(0).__getitem__, FakeTrunk()) == 0


def test_an_image_that_is_not_in_the_bank_is_said_so(tmp_path: Path, many: Pictures) -> None:
    cache = filled(tmp_path, Pictures(many.stored[:50]))
    with pytest.raises(CxrError, match=r"20 of 70 images are not in the cache .*fake-"):
        cache.rows(many.keys)


def test_a_stopped_fill_goes_on_where_it_was(tmp_path: Path, many: Pictures) -> None:
    def stop(images: int) -> None:
        done.append(images)
        if len(done) == 2:
            raise KeyboardInterrupt

    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        FeatureCache(tmp_path / "stopped", SPEC, SHAPE).fill(many.keys, many, FakeTrunk(), stop)
    cache, trunk = FeatureCache(tmp_path / "stopped", SPEC, SHAPE), FakeTrunk()
    assert cache.fill(many.keys, many, trunk) == len(trunk.seen) == 70 - sum(done)
    whole = filled(tmp_path / "whole", many)
    np.testing.assert_array_equal(cache.features()[cache.rows(many.keys)], whole.features()[whole.rows(many.keys)])


def test_rows_of_a_chunk_that_was_not_finished_are_computed_again(tmp_path: Path, many: Pictures) -> None:
    filled(tmp_path, Pictures(many.stored[:1]))  # sets the scales
    with pytest.raises(KeyboardInterrupt):
        FeatureCache(tmp_path, SPEC, SHAPE).fill(many.keys, many, FakeTrunk(dies_at=20))
    cache = FeatureCache(tmp_path, SPEC, SHAPE)
    left = cache.missing(many.keys)
    assert 50 <= left < 69  # the 19 that were computed, less those of the broken chunk
    cache.fill(many.keys, many, FakeTrunk())
    half_step = cache.scales() / 2
    within = np.abs(features(cache, many.keys) - exact(many)) <= half_step * 1.001
    assert within.mean() > 0.99  # but for what lies beyond the first image's range


KILLED = """
import sys
from pathlib import Path
from tests.labelled import pictures
from cxr.features.feature_cache import FeatureCache
from tests.features.fake_trunk import SHAPE, SPEC, FakeTrunk, Pictures
many = Pictures(pictures(70, image_size=16))
FeatureCache(Path(sys.argv[1]), SPEC, SHAPE).fill(many.keys, many, FakeTrunk(dies_at=int(sys.argv[2]), kill=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("dies_at", [1, 25, 30, 60])
def test_a_killed_process_loses_a_chunk_at_most(dies_at: int, tmp_path: Path, many: Pictures) -> None:
    """Killed while it sets the scales (24 images), in the first chunk, and later."""
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "killed", str(dies_at)], cwd=ROOT, check=False)
    assert killed.returncode == -9
    cache, trunk = FeatureCache(tmp_path / "killed", SPEC, SHAPE), FakeTrunk()
    recomputed = cache.fill(many.keys, many, trunk)
    assert recomputed <= min(70, 70 - (dies_at - 1 - 24) + 16)
    whole = filled(tmp_path / "whole", many)
    np.testing.assert_array_equal(cache.features()[cache.rows(many.keys)], whole.features()[whole.rows(many.keys)])
