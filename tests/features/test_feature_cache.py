import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr.augmentation.geometric import augmentation_rng, augmented_view
from cxr.augmentation.photometric import UNCHANGED
from cxr.augmentation.settings import AugmentationParams
from cxr.common.errors import CxrError
from cxr.features.feature_cache import NO_AUGMENTATION, CacheSpec, FeatureCache, cache_specs
from cxr.features.row_store import pixel_keys
from tests.labelled import pictures

ROOT = Path(__file__).parents[2]
AUGMENTATION = AugmentationParams(rotation_degrees=20, shift_fraction=0.2, horizontal_flip=True, photometric=UNCHANGED)
SPEC = CacheSpec(
    "fake", "random-1", image_size=16, precision="f32", augmented_views=3, seed=5, augmentation=AUGMENTATION
)
SHAPE = (2, 2, 3)


class FakeTrunk:
    """Mean, maximum and spread of each quarter of a picture; remembers what it was shown."""

    shape = SHAPE

    def __init__(self, dies_at: int = sys.maxsize, kill: bool = False):
        self.seen: list[bytes] = []
        self._dies_at, self._kill = dies_at, kill

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for batch in batches:
            self.seen.append(batch.tobytes())
            if len(self.seen) >= self._dies_at:
                if self._kill:
                    os.kill(os.getpid(), 9)
                raise KeyboardInterrupt
            yield self.maps(batch)

    def maps(self, batch: np.ndarray) -> np.ndarray:
        count, image_size, _ = batch.shape
        quarters = batch.reshape(count, 2, image_size // 2, 2, image_size // 2).swapaxes(2, 3).astype(np.float32)
        inside = (3, 4)
        return np.stack([quarters.mean(inside), quarters.max(inside) * 50, quarters.std(inside) / 100], axis=-1)


class Pictures:
    """Pictures as a cache wants them: a function of the position, and their keys."""

    def __init__(self, stored: np.ndarray):
        self.stored = stored
        self.keys = pixel_keys(self, len(stored))

    def __call__(self, i: int) -> np.ndarray:
        return self.stored[i]


@pytest.fixture
def many() -> Pictures:
    return Pictures(pictures(70, image_size=16))


def features(cache: FeatureCache, keys: list[str]) -> np.ndarray:
    """What the cache says, float32[n, views, h * w * c]."""
    return cache.features()[cache.rows(keys)] * cache.scales()


def exact(shown: Pictures, spec: CacheSpec = SPEC) -> np.ndarray:
    """What the trunk says of the same views, without a cache in between."""
    maps = []
    for i, key in enumerate(shown.keys):
        draws = [augmentation_rng(spec.seed, key, k) for k in range(spec.augmented_views)]
        maps.append(FakeTrunk().maps(np.stack([augmented_view(shown(i), spec.augmentation, rng) for rng in draws])))
    return np.stack(maps).reshape(len(maps), spec.augmented_views, -1)


def filled(root: Path, shown: Pictures, spec: CacheSpec = SPEC) -> FeatureCache:
    cache = FeatureCache(root, spec, SHAPE)
    cache.fill(shown.keys, shown, FakeTrunk())
    return cache


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
from tests.features.test_feature_cache import SHAPE, SPEC, FakeTrunk, Pictures, FeatureCache
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


# --- which cache it is ---------------------------------------------------------------------------------------

OTHERS = [
    {"seed": 6},
    {"precision": "bf16"},
    {"augmented_views": 4},
    {"image_size": 32},
    {"weights": "random-2"},
    {"backbone": "other"},
    {"format": 99},
    {"augmentation": replace(AUGMENTATION, rotation_degrees=10)},
    {"augmentation": replace(AUGMENTATION, horizontal_flip=False)},
    {"augmentation": replace(AUGMENTATION, photometric=replace(UNCHANGED, share=0.5))},
    {"cut": "mixed5"},
]


@pytest.mark.parametrize("change", OTHERS, ids=str)
def test_another_setting_is_another_bank(change: dict, tmp_path: Path, many: Pictures) -> None:
    cache = filled(tmp_path, many)
    before = cache.features().copy()
    other = FeatureCache(tmp_path, replace(SPEC, **change), SHAPE)
    assert other.directory != cache.directory
    assert other.missing(many.keys) == 70
    if "image_size" not in change:
        other.fill(many.keys, many, FakeTrunk())
    np.testing.assert_array_equal(cache.features(), before)


def test_equal_settings_find_the_same_bank(tmp_path: Path, many: Pictures) -> None:
    filled(tmp_path, many)
    assert FeatureCache(tmp_path, replace(SPEC), SHAPE).missing(many.keys) == 0


def test_a_trunk_has_one_bank_to_train_on_and_one_to_validate_on() -> None:
    given = CacheSpec("vgg16", "imagenet", 75, "int8", 10, 20, AUGMENTATION, "block4_pool", "a segmenter")
    training, plain = cache_specs(given)
    assert (training.augmented_views, training.augmentation) == (10, AUGMENTATION)
    assert (plain.augmented_views, plain.augmentation) == (1, NO_AUGMENTATION)
    assert {(spec.cut, spec.lungs) for spec in (training, plain)} == {("block4_pool", "a segmenter")}
    more, same_plain = cache_specs(replace(given, augmented_views=20, seed=21))
    assert more.name() != training.name()
    assert same_plain.name() == plain.name()  # what is validated on does not depend on the augmentation


def test_the_meaning_of_a_banks_bytes_belongs_to_its_format() -> None:
    """A view of format 1. Whoever changes this raises FORMAT, so that old caches are not mixed with new views."""
    assert SPEC.format == 1
    picture = np.add.outer(np.arange(0, 120, 20), np.arange(0, 60, 10)).astype(np.uint8)
    turned = augmented_view(picture, AUGMENTATION, augmentation_rng(5, "an image", 0))
    expected = [
        [51, 41, 31, 22, 12, 11],
        [71, 61, 51, 42, 32, 31],
        [91, 81, 72, 62, 52, 51],
        [111, 101, 92, 82, 72, 71],
        [131, 122, 112, 102, 92, 91],
        [141, 131, 121, 111, 101, 100],
    ]
    assert np.abs(turned.astype(int) - np.array(expected)).max() <= 1  # a rounding of another processor


# --- a damaged cache -----------------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [cut, remove])
@pytest.mark.parametrize("name", ["features.u8", "done.u8", "scales.npy"])
def test_a_damaged_file_is_named_before_anything_is_read_from_it(
    name: str, damage, tmp_path: Path, many: Pictures
) -> None:
    damage(filled(tmp_path, many).directory / name)
    with pytest.raises(CxrError, match=rf"damaged: {name} .*delete the folder and run again"):
        FeatureCache(tmp_path, SPEC, SHAPE)


@pytest.mark.parametrize(
    ("content", "said"), [(b"{", "is not JSON"), (b"{}", "another cache than its name says"), (b"\xff", "is not JSON")]
)
def test_a_corrupted_description_is_refused(content: bytes, said: str, tmp_path: Path, many: Pictures) -> None:
    (filled(tmp_path, many).directory / "cache.json").write_bytes(content)
    with pytest.raises(CxrError, match=said):
        FeatureCache(tmp_path, SPEC, SHAPE)


def test_a_trunk_of_another_shape_is_refused(tmp_path: Path, many: Pictures) -> None:
    filled(tmp_path, many)
    with pytest.raises(CxrError, match="another cache than its name says"):
        FeatureCache(tmp_path, SPEC, (2, 2, 4))


@pytest.mark.parametrize("kept", [0, 30])
def test_a_shortened_list_of_images_never_yields_another_images_row(kept: int, tmp_path: Path, many: Pictures) -> None:
    names = filled(tmp_path, many).directory / "keys.txt"
    names.write_text("".join(names.read_text().splitlines(keepends=True)[:kept]))
    cache, others = FeatureCache(tmp_path, SPEC, SHAPE), Pictures(pictures(20, image_size=16, seed=9))
    with pytest.raises(KeyboardInterrupt):
        cache.fill(others.keys, others, FakeTrunk(dies_at=2))
    cache = FeatureCache(tmp_path, SPEC, SHAPE)
    assert cache.missing(others.keys) == 20
    assert cache.fill(others.keys, others, FakeTrunk()) == 20
    assert np.abs(features(cache, others.keys) - exact(others)).max() <= cache.scales().max()
