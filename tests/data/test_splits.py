from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr.data.manifest import ImageRow
from cxr.data.settings import SplitParams
from cxr.data.splits import HELD_OUT, SPLITS, assign_splits, near_duplicates, split_of_patient
from tests.rows import image_row, random_phash, with_flipped_bits

PARAMS = SplitParams(seed=3, test_fraction=0.3, validation_fraction=0.2, near_duplicate_bits=12)


@st.composite
def collections(draw: st.DrawFn) -> list[ImageRow]:
    """Images of few patients, many of them near-duplicates of each other in chains."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    originals = [random_phash(rng) for _ in range(4)]
    count = draw(st.integers(2, 40))
    return [
        image_row(
            f"{i}.png",
            patient=f"test/{draw(st.integers(0, 12))}",
            phash=with_flipped_bits(originals[draw(st.integers(0, 3))], draw(st.sampled_from((0, 5, 12, 20, 30)))),
            role=draw(st.sampled_from(("train", "train", "train", "audit", "external"))),
        )
        for i in range(count)
    ]


def distance(first: ImageRow, second: ImageRow) -> int:
    return (int(first.phash, 16) ^ int(second.phash, 16)).bit_count()


@given(collections())
@settings(deadline=None, max_examples=150)
def test_no_patient_and_no_near_duplicate_stands_on_two_sides(rows: list[ImageRow]) -> None:
    kept, _ = assign_splits(rows, PARAMS)
    by_path = {row.path: row for row in rows}
    for first in kept:
        for second in kept:
            if first.split != second.split:
                a, b = by_path[first.path], by_path[second.path]
                assert distance(a, b) > PARAMS.near_duplicate_bits
                assert a.patient != b.patient or HELD_OUT in (first.split, second.split)


@given(collections(), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=150)
def test_growing_the_data_moves_nobody(rows: list[ImageRow], seed: int) -> None:
    rng = np.random.default_rng(seed)
    earlier = [row for row in rows if rng.random() < 0.6]
    before = {row.path: row.split for row in assign_splits(earlier, PARAMS)[0]}
    after = {row.path: row.split for row in assign_splits(rows, PARAMS)[0]}
    for path, image_size in before.items():
        assert after.get(path, image_size) == image_size


@given(collections())
@settings(deadline=None, max_examples=50)
def test_what_was_trained_on_stays_in_training(rows: list[ImageRow]) -> None:
    kept = {row.path for row in assign_splits(rows, PARAMS)[0]}
    for row in rows:
        if row.role == "train" and split_of_patient(row.patient, PARAMS) == "train":
            assert row.path in kept


@given(collections())
@settings(deadline=None, max_examples=50)
def test_every_image_is_kept_or_counted_as_dropped(rows: list[ImageRow]) -> None:
    kept, dropped = assign_splits(rows, PARAMS)
    assert sorted([row.path for row in kept] + [row.path for row in dropped]) == sorted(row.path for row in rows)


def test_a_copy_that_the_records_name_leaves_the_less_protected_split() -> None:
    rows = [image_row(f"{i}.png", patient=f"test/{i}") for i in range(60)]
    of = {row.path: split_of_patient(row.patient, PARAMS) for row in rows}
    trained = next(row for row in rows if of[row.path] == "train")
    tested = next(row for row in rows if of[row.path] == "test")
    copies = [replace(row, same_as="x") if row in (trained, tested) else row for row in rows]
    kept, dropped = assign_splits(copies, PARAMS)
    assert {row.path for row in rows} - {row.path for row in kept} == {tested.path}
    assert [row.path for row in dropped] == [tested.path]


def test_images_that_are_only_tested_on_enter_no_side() -> None:
    rng = np.random.default_rng(0)
    rows = [image_row(f"{i}", role=role, phash=random_phash(rng)) for i, role in enumerate(("audit", "external"))]
    assert {row.split for row in assign_splits(rows, PARAMS)[0]} == {HELD_OUT}


def test_sides_get_their_share_of_the_patients() -> None:
    splits = [split_of_patient(f"source/{i}", PARAMS) for i in range(20_000)]
    shares = [splits.count(split) / len(splits) for split in SPLITS]
    np.testing.assert_allclose(shares, (0.5, 0.2, 0.3), atol=0.015)


def test_another_seed_deals_the_patients_anew() -> None:
    other = SplitParams(seed=4, test_fraction=0.3, validation_fraction=0.2, near_duplicate_bits=12)
    moved = sum(split_of_patient(f"s/{i}", PARAMS) != split_of_patient(f"s/{i}", other) for i in range(1000))
    assert 400 < moved < 800


def test_pairs_are_found_across_blocks_of_the_comparison() -> None:
    rng = np.random.default_rng(1)
    phashes = [random_phash(rng) for _ in range(5000)]
    phashes[4999] = with_flipped_bits(phashes[3], 12)
    phashes[4500] = with_flipped_bits(phashes[4], 13)
    assert near_duplicates(phashes, 12) == [(3, 4999)]


def test_no_images_have_no_duplicates() -> None:
    assert near_duplicates([], 12) == []
