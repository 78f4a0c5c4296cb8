"""Calibration error with an interval that belongs to it, and every value inside its own interval."""

import numpy as np
import pytest

from cxr.evaluation import metrics
from cxr.evaluation import weighted_metrics as weighted
from tests.evaluation.test_metrics import PARAMS, some_scores


def without_their_interval(result: dict) -> list[str]:
    """The metrics whose value lies outside its own interval."""
    measured = {name: value for name, value in result.items() if isinstance(value, dict) and "low" in value}
    return [
        name
        for name, value in measured.items()
        if value["low"] is not None and not value["low"] <= value["value"] <= value["high"]
    ]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("per_patient", [1, 3])
def test_every_value_lies_inside_its_own_interval(seed: int, per_patient: int):
    y, p, patients = some_scores(n=60, per_patient=per_patient, seed=seed)
    for sharper in (p, np.clip(3 * p - 1, 0, 1)):  # the second is far too sure of itself
        assert without_their_interval(metrics.evaluate(y, sharper, patients, 0.5, PARAMS)) == []


def calibrated_answers(seed: int, sharpness: float, n: int = 200) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Labels drawn from the probabilities that are stated at a sharpness of 1; more is overconfident."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 2.5, n)
    y = rng.random(n) < 1 / (1 + np.exp(-logit))
    return y.astype(int), 1 / (1 + np.exp(-sharpness * logit)), [f"p{i}" for i in range(n)]


@pytest.mark.parametrize(("sharpness", "true_error"), [(1.0, 0.0), (2.0, 0.0906)])
def test_the_calibration_error_is_not_noise_and_its_interval_covers_the_truth(sharpness: float, true_error: float):
    """true_error: of 2,000,000 draws. The plain ECE of the calibrated model is 0.06 on average."""
    found = [metrics.evaluate(*calibrated_answers(seed, sharpness), 0.5, PARAMS) for seed in range(60)]
    errors = [result["calibration_error"] for result in found]
    covered = np.mean([error["low"] <= true_error <= error["high"] for error in errors])
    assert covered >= 0.88
    assert np.mean([error["value"] for error in errors]) == pytest.approx(true_error, abs=0.035)
    assert np.mean([result["ece"]["value"] for result in found]) > true_error
    assert {result["ece"]["low"] for result in found} == {None}


def test_a_squared_calibration_error_of_a_hand_made_case():
    # The same case as above: two images in one bin with a gap of -0.4 each, one in another with 0.4.
    y, p = np.array([1, 1, 0]), np.array([0.9, 0.1, 0.4])
    squared = weighted.squared_calibration_error(y, p, np.ones((1, 3)))[0]
    assert squared == pytest.approx((2 * 0.4**2 + 0.4**2) / 3)


def test_a_difference_of_a_metric_that_is_no_plain_mean_is_refused():
    y, p, patients = some_scores()
    with pytest.raises(ValueError, match="'calibration_error' is not one of"):
        metrics.paired_difference(y, p, p, patients, PARAMS, metric="calibration_error")
