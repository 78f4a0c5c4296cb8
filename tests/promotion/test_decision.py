import math

import numpy as np
import pytest

from cxr.common.errors import CxrError
from cxr.evaluation.settings import EvaluateParams
from cxr.promotion.decision import (
    Decision,
    decide,
    decide_uncompared,
    decide_without_champion,
    keep_rolled_back,
    pick_winner,
)

PARAMS = EvaluateParams(resamples=300, confidence=0.95, prevalence=0.1, seed=5)


def scored(noise: float, n: int = 80) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng = np.random.default_rng(int(noise * 100))
    y = np.repeat([0, 1], n // 2)
    return y, np.clip(0.5 + 0.2 * (y - 0.5) + rng.normal(0, noise, n), 0, 1), [f"p{i // 2}" for i in range(n)]


def test_a_challenger_that_is_surely_worse_may_not_replace_the_champion():
    y, good, patients = scored(0.05)
    _, bad, _ = scored(0.9)
    decision = decide(y, patients, bad, good, PARAMS)
    assert not decision.promote
    assert decision.difference.high < 0
    assert "surely below the champion" in decision.reason
    assert "40 patients" in decision.reason


def test_only_a_surely_better_challenger_may_replace_the_champion():
    y, good, patients = scored(0.05)
    _, bad, _ = scored(0.9)
    decision = decide(y, patients, good, bad, PARAMS)
    assert decision.promote
    assert decision.difference.low > 0
    assert "surely above the champion" in decision.reason


def test_an_equal_and_a_hardly_different_challenger_change_nothing():
    y, champion, patients = scored(0.2)
    for probability in (0.0, 1.0):
        other = champion.copy()
        other[np.flatnonzero(y)[0]] = probability
        for challenger in (champion, other):
            decision = decide(y, patients, challenger, champion, PARAMS)
            assert not decision.promote
            assert "not to be told from the champion" in decision.reason


def test_what_can_not_be_compared_does_not_replace_a_champion():
    decision = decide([0, 0], ["a", "b"], [0.1, 0.2], [0.2, 0.1], PARAMS)
    assert not decision.promote
    assert "auc is undefined on 0 COVID and 2 other images" in decision.reason


def test_without_a_champion_any_may_be_it_and_beside_an_unreadable_one_none():
    assert decide_without_champion() == Decision(True, "there is no champion yet")
    uncompared = decide_uncompared("head.npz is missing")
    assert not uncompared.promote
    assert uncompared.reason.endswith("(head.npz is missing); FORCE=1 promotes it uncompared")


def test_what_a_person_took_back_is_not_promoted():
    assert not keep_rolled_back("2026-11-23T12:00:00Z").promote


def test_the_highest_metric_wins_in_either_form():
    assert pick_winner({"vgg16": {"auc": 0.8}, "xception": {"auc": {"value": 0.9}}}, "auc") == "xception"


def test_a_tie_goes_to_the_earlier_backbone_whatever_the_order_of_the_files():
    tied = {name: {"auc": 0.9} for name in ("xception", "inceptionv3", "vgg16", "another")}
    assert pick_winner(tied, "auc") == "inceptionv3"
    assert pick_winner(dict(reversed(tied.items())), "auc") == "inceptionv3"


@pytest.mark.parametrize("undefined", [None, math.nan, {"value": None}])
def test_an_undefined_metric_can_not_win(undefined):
    assert pick_winner({"inceptionv3": {"auc": undefined}, "vgg16": {"auc": 0.1}}, "auc") == "vgg16"
    with pytest.raises(CxrError, match="no backbone has auc"):
        pick_winner({"inceptionv3": {"auc": undefined}, "vgg16": {}}, "auc")
