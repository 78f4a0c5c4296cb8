"""Which feature cache belongs to which settings, and what happens when one is damaged."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr.augmentation.geometric import augmentation_rng, augmented_view
from cxr.augmentation.photometric import UNCHANGED
from cxr.common.errors import CxrError
from cxr.features.feature_cache import NO_AUGMENTATION, CacheSpec, FeatureCache, cache_specs
from tests.features.fake_trunk import AUGMENTATION, SHAPE, SPEC, FakeTrunk, Pictures, exact, features, filled
from tests.labelled import pictures

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


@pytest.mark.parametrize("name", ["features.u8", "crc.u32", "done.u8"])
def test_damaged_rows_are_named_and_made_anew(name: str, tmp_path: Path, many: Pictures, caplog) -> None:
    cache = filled(tmp_path, many)
    expected = features(cache, many.keys).copy()
    path = cache.directory / name
    data = bytearray(path.read_bytes())
    for row in (3, 50):  # of 70
        data[row * len(data) // 70] ^= 1
    path.write_bytes(data)
    cache = FeatureCache(tmp_path, SPEC, SHAPE)
    assert cache.fill(many.keys, many, FakeTrunk()) == 2
    assert ("2 rows of the cache" in caplog.text) == (name != "done.u8")
    np.testing.assert_array_equal(features(cache, many.keys), expected)


def test_two_rows_that_were_exchanged_are_noticed(tmp_path: Path, many: Pictures) -> None:
    path = filled(tmp_path, many).directory / "keys.txt"
    keys = path.read_text().split()
    keys[:2] = keys[1::-1]
    path.write_text("\n".join(keys) + "\n")
    assert FeatureCache(tmp_path, SPEC, SHAPE).missing(many.keys) == 2


def test_a_bank_from_before_checksums_gets_them_and_is_not_computed_again(tmp_path: Path, many: Pictures) -> None:
    sums = filled(tmp_path, many).directory / "crc.u32"
    before = sums.read_bytes()
    sums.unlink()
    assert FeatureCache(tmp_path, SPEC, SHAPE).missing(many.keys) == 0
    assert sums.read_bytes() == before


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
