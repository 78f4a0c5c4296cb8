"""Sources that training left out, commissioned as sites."""

import numpy as np
import pytest

from cxr.unseen.plan import Fold, Images, Pair
from tests.site.made import binormal
from tools import unseen_sites
from tools.unseen_sites import Answered, answered, commissioned


def model(distance: float, *, turned: bool = False) -> Answered:
    y, p = binormal(np.random.default_rng(3), 600, 0.4, distance)
    return Answered(y, 1 - p if turned else p, np.array([f"p{place}" for place in range(len(y))]), 0.5)


def test_a_pair_is_the_positive_pictures_of_one_source_and_the_others_of_one() -> None:
    sources = ["far", "far", "near", "other", "near"]
    columns = Images(["COVID", "NonCOVID", "COVID", "NonCOVID", "NonCOVID"], sources, list("abcde"), ["train"] * 5)
    asked = np.array([0, 1, 3, 4])
    fold = Fold(("far", "other"), np.array([2]), np.array([4]), asked)
    found = answered(columns, fold, Pair("far", "other"), np.array([0.9, 0.8, 0.1, 0.2]), 0.5)
    assert found.p.tolist() == [0.9, 0.1]
    assert found.patients.tolist() == ["a", "d"]


def test_a_source_where_the_model_works_is_for_use_and_one_where_it_is_turned_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unseen_sites, "SITES", 10)
    good, bad = commissioned([model(5)]), commissioned([model(5, turned=True)])
    assert good["sites"] == 10
    assert good["for_use"] >= 0.8
    assert good["called"] <= 0.1
    assert (bad["for_use"], bad["called"], bad["within"]) == (0, None, None)
    assert bad["before"]["called"] > 0.9
