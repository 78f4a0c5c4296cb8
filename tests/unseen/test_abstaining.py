"""What familiarity is worth: shares warned of, errors with and without the warning, and risk against coverage."""

import numpy as np
import pytest

from cxr.evaluation.settings import EvaluateParams
from cxr.unseen.abstaining import _risk
from cxr.unseen.fold_store import FoldAnswers
from cxr.unseen.plan import Fold, plan_folds
from cxr.unseen.summary import as_metrics, not_measured, risk_curve, summarise
from tests.unseen.made import BOTH, columns

PARAMS = EvaluateParams(resamples=200, confidence=0.95, prevalence=0.1, seed=3)
IMAGES = columns({"a": BOTH, "b": BOTH}, external={"e": BOTH})
PLAN = plan_folds(IMAGES)


def answers(fold: Fold) -> FoldAnswers:
    """Of every source left out each second picture is unfamiliar, and half of those are called wrongly; so is no
    other one. One validation picture in eight is unfamiliar."""
    number = np.arange(len(fold.asked))
    strange = number % 2 == 0
    wrong = number % 4 == 0
    covid = IMAGES.covid[fold.asked] ^ wrong
    known = np.where(np.arange(len(fold.validation)) % 8 == 0, 0.02, 0.5)
    # A wrong call is as sure as most right ones: the margin tells less than the familiarity does.
    p_covid = np.where(covid, 0.9, 0.1)
    return FoldAnswers(p_covid, 0.5, np.where(strange, 0.01, 0.9), known)


REPORT = summarise(IMAGES, PLAN, {fold.left_out: [answers(fold)] * 2 for fold in PLAN.folds}, 2, PARAMS)


def test_the_shares_that_are_warned_of_are_those_of_known_and_of_unknown_sources() -> None:
    worth = REPORT["abstaining"]
    assert worth is not None
    assert worth["warned_known"]["value"] == pytest.approx(1 / 8)
    assert set(worth["warned_unseen"]) == {"a", "b"}
    for rate in worth["warned_unseen"].values():
        assert rate["value"] == pytest.approx(0.5)
        assert rate["low"] < 0.5 < rate["high"]


def test_errors_are_counted_apart_where_the_warning_stands_and_where_not() -> None:
    worth = REPORT["abstaining"]
    assert worth is not None
    assert worth["wrong_warned"]["value"] == pytest.approx(0.5)
    assert worth["wrong_familiar"]["value"] == 0


def test_the_familiar_half_is_answered_without_an_error() -> None:
    rows = risk_curve(REPORT)
    risk = {(row.by, row.coverage): row.risk for row in rows}
    assert {by for by, _ in risk} == {"familiarity", "margin"}
    assert risk["familiarity", 0.5] == 0
    assert risk["familiarity", 1.0] == risk["margin", 1.0] == pytest.approx(0.25)
    assert risk["margin", 0.5] > 0


def test_images_of_one_familiarity_count_alike_in_any_order() -> None:
    wrong = np.arange(200) < 100
    alike = np.full((1, 200), 0.01)
    for order in (slice(None), slice(None, None, -1)):
        np.testing.assert_allclose(_risk(alike, wrong[None, order]), 0.5)


def test_what_was_found_has_names_for_mlflow() -> None:
    metrics = as_metrics(REPORT)
    assert metrics["unseen/familiarity/warned/a"] == pytest.approx(0.5)
    assert metrics["unseen/familiarity/wrong_warned"] == pytest.approx(0.5)


def test_where_nothing_was_trained_there_is_no_curve() -> None:
    assert risk_curve(not_measured("switched off")) == []
