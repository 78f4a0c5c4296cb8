"""The three parts of a site's patients."""

import numpy as np
import pytest

from cxr.common.errors import CxrError
from cxr.site.parts import PARTS, Shares, one_each, parts_of, sizes_of

PATIENTS = [f"p{i // 2}" for i in range(240)]  # two pictures each
Y = np.array([int(i // 2 % 4 == 0) for i in range(240)])
SHARES = Shares(adapt=0.2, calibrate=0.5, certify=0.3)


def test_no_patient_is_in_two_parts() -> None:
    parts = parts_of(PATIENTS, Y, SHARES, seed=3)
    assert all(len({part for part, who in zip(parts, PATIENTS, strict=True) if who == one}) == 1 for one in PATIENTS)


def test_each_part_has_its_share_of_both_labels() -> None:
    parts = parts_of(PATIENTS, Y, SHARES, seed=3)
    counts = {part: np.bincount(Y[parts == part], minlength=2).tolist() for part in PARTS}
    assert counts == {"adapt": [36, 12], "calibrate": [90, 30], "certify": [54, 18]}


def test_the_order_of_the_pictures_changes_nothing_and_the_seed_does() -> None:
    turned = np.random.default_rng(0).permutation(len(Y))
    parts = parts_of(PATIENTS, Y, SHARES, seed=3)
    assert (parts_of([PATIENTS[i] for i in turned], Y[turned], SHARES, seed=3) == parts[turned]).all()
    assert (parts_of(PATIENTS, Y, SHARES, seed=4) != parts).any()


def test_a_patient_with_both_labels_counts_as_positive_and_stays_together() -> None:
    parts = parts_of(["a", "a", "b", "c"], [1, 0, 0, 0], Shares(0, 0.5, 0.5), seed=0)
    assert parts[0] == parts[1]


def test_one_picture_of_each_patient_whatever_their_order() -> None:
    names = [f"{i}.png" for i in range(240)]
    chosen = one_each(PATIENTS, names, seed=1)
    assert [PATIENTS[i] for i in chosen] == [f"p{i}" for i in range(120)]
    backwards = one_each(PATIENTS[::-1], names[::-1], seed=1)
    assert {names[::-1][i] for i in backwards} == {names[i] for i in chosen}


@pytest.mark.parametrize("patients", [0, 1, 7, 100])
def test_the_sizes_are_all_patients(patients: int) -> None:
    assert sum(sizes_of(patients, SHARES)) == patients


def test_shares_that_are_no_whole_are_refused() -> None:
    with pytest.raises(CxrError, match="sum to 1"):
        Shares(0.5, 0.5, 0.5)
