"""Means over images with intervals over patients."""

import numpy as np
import pytest

from cxr.evaluation.intervals import mean_over_patients
from cxr.evaluation.settings import EvaluateParams

PARAMS = EvaluateParams(resamples=2000, confidence=0.95, prevalence=0.1, seed=20)


def test_the_value_is_the_mean_over_images_and_lies_in_its_interval():
    values = [0.0, 1.0, 0.5, 0.25]
    found = mean_over_patients(values, ["a", "a", "b", "c"], PARAMS)
    assert found["value"] == pytest.approx(np.mean(values))
    assert found["low"] < found["value"] < found["high"]
    assert (found["images"], found["patients"]) == (4, 3)


def test_copies_of_a_patients_picture_tell_nothing_new():
    rng = np.random.default_rng(0)
    values, patients = rng.random(40), [str(i) for i in range(40)]
    once = mean_over_patients(values, patients, PARAMS)
    often = mean_over_patients(np.repeat(values, 5), list(np.repeat(patients, 5)), PARAMS)
    assert often["low"] == pytest.approx(once["low"])
    assert often["high"] == pytest.approx(once["high"])


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng, held = np.random.default_rng(1), 0
    few = EvaluateParams(resamples=200, confidence=0.9, prevalence=0.1, seed=20)
    for _ in range(200):
        found = mean_over_patients(rng.random(60), [str(i) for i in range(60)], few)
        held += found["low"] <= 0.5 <= found["high"]
    assert 0.83 <= held / 200 <= 0.97


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_rate_without_an_exception_still_has_an_interval(level: float):
    """Clopper & Pearson: with 10 patients of 10, the lower end is 0.025 to the power of 1/10."""
    found = mean_over_patients([level] * 20, [str(i // 2) for i in range(20)], PARAMS)
    reach = 0.025 ** (1 / 10)
    assert (found["low"], found["high"]) == pytest.approx((reach, 1) if level else (0, 1 - reach))


def test_nothing_has_no_mean():
    assert mean_over_patients([], [], PARAMS)["value"] is None
