from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr.common.errors import CxrError
from cxr.data.copies import BOTH, PICTURES, RECORDS, CopyRow, joined, named_copies
from cxr.data.dataset import Dataset, in_groups
from cxr.data.manifest import ImageRow
from cxr.data.settings import SplitParams
from cxr.data.splits import HELD_OUT, SPLITS, assign_splits, split_fingerprint, split_of_patient
from tests.rows import image_row

PARAMS = SplitParams(seed=3, test_fraction=0.3, validation_fraction=0.2)
Collection = tuple[list[ImageRow], list[CopyRow]]


@st.composite
def collections(draw: st.DrawFn) -> Collection:
    """Images of few patients, and copies among them, in chains too."""
    count = draw(st.integers(2, 40))
    rows = [
        image_row(
            f"{i}.png",
            patient=f"test/{draw(st.integers(0, 12))}",
            label=draw(st.sampled_from(("COVID", "COVID", "COVID", "NonCOVID"))),
            role=draw(st.sampled_from(("train", "train", "train", "audit", "external"))),
        )
        for i in range(count)
    ]
    position = st.integers(0, count - 1)
    pairs = draw(st.sets(st.tuples(position, position).filter(lambda pair: pair[0] < pair[1]), max_size=8))
    return rows, [copy_of(rows[i], rows[j]) for i, j in sorted(pairs)]


def copy_of(first: ImageRow, second: ImageRow) -> CopyRow:
    return CopyRow(first.path, second.path, PICTURES, "0.950", "first", "0.000", "0.000", "1.000", "1.000")


def patients_of(split: str, count: int) -> list[str]:
    """So many patients whose own split this is."""
    return [f"test/{i}" for i in range(200) if split_of_patient(f"test/{i}", PARAMS) == split][:count]


@given(collections())
@settings(deadline=None, max_examples=150)
def test_no_group_stands_on_two_sides(collection: Collection) -> None:
    rows, copies = collection
    kept, _ = assign_splits(rows, copies, PARAMS)
    sides: dict[str, set[str]] = defaultdict(set)
    for row in kept:
        sides[row.group].add(row.split)
    assert all(len(found - {HELD_OUT}) <= 1 for found in sides.values())
    placed = {row.path: row for row in kept}
    for copy in copies:
        if copy.first in placed and copy.second in placed:
            assert placed[copy.first].group == placed[copy.second].group
            assert placed[copy.first].split == placed[copy.second].split


@given(collections(), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=150)
def test_growing_the_data_moves_nobody_out_of_training(collection: Collection, seed: int) -> None:
    rows, copies = collection
    rng = np.random.default_rng(seed)
    earlier = [row for row in rows if rng.random() < 0.6]
    there = {row.path for row in earlier}
    known = [copy for copy in copies if {copy.first, copy.second} <= there]
    before = {row.path: row.split for row in assign_splits(earlier, known, PARAMS)[0]}
    after = {row.path: row.split for row in assign_splits(rows, copies, PARAMS)[0]}
    order = (*SPLITS, HELD_OUT)
    for path, split in before.items():
        assert path not in after or order.index(after[path]) <= order.index(split)
        assert (after.get(path, HELD_OUT) == HELD_OUT) or split != HELD_OUT


@given(collections())
@settings(deadline=None, max_examples=50)
def test_who_is_in_no_pair_stands_where_the_hash_says(collection: Collection) -> None:
    rows, copies = collection
    joined_paths = {path for copy in copies for path in (copy.first, copy.second)}
    joined_patients = {row.patient for row in rows if row.path in joined_paths}
    placed = {row.path: row for row in assign_splits(rows, copies, PARAMS)[0]}
    for row in rows:
        if row.patient not in joined_patients:
            split = split_of_patient(row.patient, PARAMS) if row.role == "train" else HELD_OUT
            assert (placed[row.path].group, placed[row.path].split) == (row.patient, split)


@given(collections())
@settings(deadline=None, max_examples=50)
def test_every_image_is_kept_or_counted_as_dropped(collection: Collection) -> None:
    rows, copies = collection
    kept, dropped = assign_splits(rows, copies, PARAMS)
    assert sorted([row.path for row in kept] + [row.path for row in dropped]) == sorted(row.path for row in rows)


@given(collections())
@settings(deadline=None, max_examples=50)
def test_a_group_bears_the_name_of_a_patient_whose_own_split_is_its_split(collection: Collection) -> None:
    rows, copies = collection
    for row in assign_splits(rows, copies, PARAMS)[0]:
        assert row.split in (HELD_OUT, split_of_patient(row.group, PARAMS))


def test_a_test_patient_with_a_copy_of_a_training_image_goes_to_training_with_all_images() -> None:
    (trained,), (tested, other) = patients_of("train", 1), patients_of("test", 2)
    rows = [image_row(f"{patient}-{i}", patient=patient) for patient in (trained, tested, other) for i in range(2)]
    kept, dropped = assign_splits(rows, [copy_of(rows[1], rows[2])], PARAMS)
    assert not dropped
    assert [row.split for row in kept] == ["train"] * 4 + ["test"] * 2
    assert [row.group for row in kept] == [trained] * 4 + [other] * 2


def test_a_chain_of_copies_is_one_group() -> None:
    chain = [*patients_of("test", 2), *patients_of("validation", 1)]
    rows = [image_row(patient, patient=patient) for patient in chain]
    kept, _ = assign_splits(rows, [copy_of(rows[0], rows[1]), copy_of(rows[1], rows[2])], PARAMS)
    assert {(row.group, row.split) for row in kept} == {(chain[2], "validation")}


def test_copies_with_two_labels_are_both_left_out_and_their_patients_joined_all_the_same() -> None:
    first, second = patients_of("test", 2)
    labels = {first: "COVID", second: "NonCOVID"}
    rows = [image_row(f"{p}-{i}", patient=p, label=labels[p]) for p in (first, second) for i in range(2)]
    kept, dropped = assign_splits(rows, [copy_of(rows[0], rows[2])], PARAMS)
    assert [(row.path, row.reason) for row in dropped] == [
        (f"{first}-0", "conflicting_labels"),
        (f"{second}-0", "conflicting_labels"),
    ]
    assert dropped[0].detail == f"COVID, like {second}-0"
    assert len({row.group for row in kept}) == 1


def test_two_labels_within_one_patient_are_no_contradiction() -> None:
    rows = [image_row(f"{label}", patient="test/1", label=label) for label in ("COVID", "NonCOVID")]
    assert not assign_splits(rows, [copy_of(*rows)], PARAMS)[1]


def test_who_is_trained_on_under_another_name_is_not_tested_on_elsewhere() -> None:
    rows = [
        image_row("a1", patient="a/1", source="a"),
        image_row("e1", patient="e/1", source="e", role="external"),
        image_row("e2", patient="e/1", source="e", role="external"),
        image_row("e3", patient="e/2", source="e", role="external"),
    ]
    kept, dropped = assign_splits(rows, [copy_of(rows[0], rows[1])], PARAMS)
    assert [row.path for row in kept] == ["a1", "e3"]
    assert [(row.path, row.reason, row.detail) for row in dropped] == [
        ("e1", "near_duplicate_across_split", "external, like a1"),
        ("e2", "near_duplicate_across_split", "external, like a1"),
    ]


def test_a_source_that_is_only_tested_on_moves_nobody() -> None:
    """Although the name of its patient would send both to training."""
    (learns,) = patients_of("test", 1)
    (external,) = patients_of("train", 1)
    rows = [image_row("a", patient=learns), image_row("e", patient=external, source="e", role="external")]
    kept, _ = assign_splits(rows, [copy_of(*rows)], PARAMS)
    assert [(row.path, row.group, row.split) for row in kept] == [("a", learns, "test")]


def test_images_that_are_only_tested_on_enter_no_side() -> None:
    rows = [image_row(f"{i}", role=role) for i, role in enumerate(("audit", "external"))]
    assert {row.split for row in assign_splits(rows, [], PARAMS)[0]} == {HELD_OUT}


def test_a_copy_of_an_image_that_is_gone_is_refused() -> None:
    with pytest.raises(CxrError, match=r"copies\.csv names 'gone'.*dvc repro"):
        assign_splits([image_row("a")], [CopyRow("a", "gone", RECORDS)], PARAMS)


def test_sides_get_their_share_of_the_patients() -> None:
    splits = [split_of_patient(f"source/{i}", PARAMS) for i in range(20_000)]
    shares = [splits.count(split) / len(splits) for split in SPLITS]
    np.testing.assert_allclose(shares, (0.5, 0.2, 0.3), atol=0.015)


def test_another_seed_deals_the_patients_anew() -> None:
    other = replace(PARAMS, seed=4)
    moved = sum(split_of_patient(f"s/{i}", PARAMS) != split_of_patient(f"s/{i}", other) for i in range(1000))
    assert 400 < moved < 800


@given(collections(), collections())
@settings(deadline=None, max_examples=300)
def test_of_splits_with_one_fingerprint_neither_tests_whom_the_other_trains_on(
    one: Collection, two: Collection
) -> None:
    """Of other images of the same patients, with other copies."""
    found = [splits_of_patients(*collection) for collection in (one, two)]
    if fingerprint_of(*one) == fingerprint_of(*two):
        assert all((found[0][name] == "train") == (found[1][name] == "train") for name in found[0].keys() & found[1])


def fingerprint_of(rows: list[ImageRow], copies: list[CopyRow]) -> str:
    kept, _ = assign_splits(rows, copies, PARAMS)
    placed = {row.path: row for row in kept}
    group_of = {row.patient: placed[row.path].group for row in rows if row.path in placed}
    named = in_groups(rows, group_of)
    data = Dataset(named, {row.path: row.split for row in kept}, np.zeros((len(rows), 1, 1), np.uint8), group_of)
    return data.split_fingerprint(PARAMS)


def splits_of_patients(rows: list[ImageRow], copies: list[CopyRow]) -> dict[str, str]:
    """Of the patients in the split, by their names in the index."""
    placed = {row.path: row.split for row in assign_splits(rows, copies, PARAMS)[0]}
    return {row.patient: placed[row.path] for row in rows if placed.get(row.path, HELD_OUT) != HELD_OUT}


def test_the_fingerprint_follows_who_is_moved_into_training_and_nothing_else() -> None:
    (trained, other), (validated,), (tested,) = (
        patients_of("train", 2),
        patients_of("validation", 1),
        patients_of("test", 1),
    )
    rows = [image_row(name, patient=name) for name in (trained, other, validated, tested)]
    external = image_row("e", patient="e/1", source="e", role="external")
    alone = fingerprint_of(rows, [])
    assert fingerprint_of(rows[::-1], []) == alone
    for same in ([copy_of(rows[0], rows[1])], [copy_of(rows[2], rows[3])], [copy_of(external, rows[2])]):
        assert fingerprint_of([*rows, external, image_row("new")], same) == alone
    moved = fingerprint_of(rows, [copy_of(rows[0], rows[2])])
    assert moved == fingerprint_of(rows, [copy_of(rows[1], rows[2])])
    assert len({alone, moved, fingerprint_of(rows, [copy_of(rows[0], rows[3])])}) == 3
    assert split_fingerprint(replace(PARAMS, seed=4), {}) != alone


def test_records_name_all_pairs_of_one_picture() -> None:
    rows = [image_row(f"{i}", same_as=name) for i, name in enumerate(("x", "", "y", "x", "x", "y"))]
    assert named_copies(rows) == {(0, 3), (0, 4), (3, 4), (2, 5)}


def test_everybody_in_a_chain_of_pairs_is_joined() -> None:
    found = joined([("a", "b"), ("c", "d"), ("x", "x"), ("d", "b")])
    assert {name: "".join(sorted(members)) for name, members in found.items()} == {
        **dict.fromkeys("abcd", "abcd"),
        "x": "x",
    }


def test_a_copy_says_what_tells() -> None:
    with pytest.raises(CxrError, match="'rumour' is not one of pictures, records, both"):
        CopyRow("a", "b", "rumour")
    assert CopyRow("a", "b", BOTH).correlation == ""
