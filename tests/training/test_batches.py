from dataclasses import replace

import numpy as np
import pytest

from cxr.augmentation.geometric import augmentation_rng, augmented_view
from cxr.augmentation.photometric import UNCHANGED
from cxr.augmentation.settings import AugmentationParams
from cxr.features.row_store import pixel_keys
from cxr.features.settings import FeaturesParams
from cxr.training.batches import AugmentedBatches, PlainBatches
from tests.labelled import labelled_split

SIDE = labelled_split(11, seed=1)
COST = np.linspace(0.5, 1.5, 11).astype(np.float32)
AUGMENTATION = AugmentationParams(rotation_degrees=20, shift_fraction=0.2, horizontal_flip=True, photometric=UNCHANGED)
PARAMS = FeaturesParams(
    augmented_views=3,
    seed=4,
    precision="f32",
    augmentation=AUGMENTATION,
    weights={},
    cut={},
    exported={},
    focus="data/pixels.npy",
)


def batches(**changes: object) -> AugmentedBatches:
    return AugmentedBatches(SIDE, COST, 4, replace(PARAMS, **changes), seed=7)


def taken(some: PlainBatches) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A whole epoch: pictures, labels, costs."""
    pictures, labels, weights = zip(*(some[i] for i in range(len(some))), strict=True)
    return np.concatenate(pictures), np.concatenate(labels), np.concatenate(weights)


def test_plain_batches_are_the_pictures_in_order() -> None:
    plain = PlainBatches(SIDE, COST, 4)
    assert [len(plain[i][0]) for i in range(len(plain))] == [4, 4, 3]
    pictures, labels, weights = taken(plain)
    np.testing.assert_array_equal(pictures[..., 0], SIDE.pixels)
    np.testing.assert_array_equal(labels[:, 0], SIDE.y)
    np.testing.assert_array_equal(weights, COST)
    assert (pictures.dtype, labels.dtype, weights.dtype) == (np.uint8, np.float32, np.float32)


def test_an_epoch_has_one_of_the_banks_views_of_every_picture_with_its_label_and_cost() -> None:
    keys = pixel_keys(SIDE.picture, len(SIDE.rows))
    of_the_bank = {
        augmented_view(SIDE.picture(i), AUGMENTATION, augmentation_rng(PARAMS.seed, key, k)).tobytes(): i
        for i, key in enumerate(keys)
        for k in range(PARAMS.augmented_views)
    }
    pictures, labels, weights = taken(batches())
    rows = [of_the_bank[picture.tobytes()] for picture in pictures[..., 0]]
    assert sorted(rows) == list(range(11))
    np.testing.assert_array_equal(labels[:, 0], SIDE.y[rows])
    np.testing.assert_array_equal(weights, COST[rows])


def test_epochs_differ_and_repeat_with_their_seed() -> None:
    first, again = batches(), batches()
    one = taken(first)[0]
    np.testing.assert_array_equal(taken(again)[0], one)
    for some in (first, again):
        some.next_epoch()
    two = taken(first)[0]
    np.testing.assert_array_equal(taken(again)[0], two)
    assert (one != two).any()
    assert {picture.tobytes() for picture in one} != {picture.tobytes() for picture in two}


@pytest.mark.parametrize("views", [1, 3])
def test_every_view_comes_in_time(views: int) -> None:
    some, seen = batches(augmented_views=views), set()
    for _ in range(30):
        seen |= {picture.tobytes() for picture in taken(some)[0]}
        some.next_epoch()
    assert len(seen) == 11 * views
