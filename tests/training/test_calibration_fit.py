import numpy as np
import pytest

from cxr.inference.calibration import calibrated, sigmoid
from cxr.training.calibration_fit import TEMPERATURE_BOUNDS, fit_calibration, operating_threshold


def drawn(temperature: float, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Margins that are `temperature` times too sure, and labels drawn from the honest probability."""
    rng = np.random.default_rng(2)
    honest = rng.normal(0, 2, n)
    return (rng.random(n) < sigmoid(honest)).astype(int), honest * temperature


def nll(y: np.ndarray, p: np.ndarray) -> float:
    return float(-np.log(np.where(y == 1, p, 1 - p)).mean())


@pytest.mark.parametrize(("shift", "temperature"), [(0.0, 0.5), (-1.5, 1.0), (2.0, 3.0)])
def test_the_shift_and_the_temperature_that_made_the_logits_are_found(shift, temperature):
    y, margins = drawn(temperature)
    found = fit_calibration(y, margins - shift)
    assert found == (pytest.approx(shift, abs=0.15 * temperature), pytest.approx(temperature, rel=0.1))


def test_no_other_shift_or_temperature_is_likelier():
    y, margins = drawn(2.0, n=3000)
    shift, best = fit_calibration(y, margins + 1)
    least = nll(y, calibrated(margins + 1 + shift, best))
    for other in ((shift, best * 0.93), (shift, best * 1.07), (shift + 0.2, best), (shift - 0.2, best)):
        assert least < nll(y, calibrated(margins + 1 + other[0], other[1]))


def test_probabilities_say_how_common_covid_is_among_the_images_that_they_were_calibrated_on():
    """Also where the logits are of a training that took both labels for equally common."""
    y, margins = drawn(1.0)
    few = np.flatnonzero((y == 0) | (np.arange(len(y)) % 5 == 0))
    shift, temperature = fit_calibration(y[few], margins[few])
    assert shift < -1
    assert calibrated(margins[few] + shift, temperature).mean() == pytest.approx(y[few].mean(), abs=0.001)


def test_two_logits_and_their_margin_agree():
    y, margins = drawn(2.0, n=200)
    pairs = np.stack([7 - margins / 2, 7 + margins / 2], axis=1)
    assert fit_calibration(y, pairs) == pytest.approx(fit_calibration(y, margins))
    assert calibrated(pairs, 2.0) == pytest.approx(calibrated(margins, 2.0))


def test_separable_data_do_not_sharpen_without_end():
    y = np.repeat([0, 1], 50)
    margins = np.where(y == 1, 4.0, -4.0)
    shift, temperature = fit_calibration(y, margins)
    p = calibrated(margins + shift, temperature)
    assert p.max() == pytest.approx(51 / 52)  # as sure as 50 of 50 allow


def test_nonsense_stays_within_the_bounds():
    y, margins = drawn(1.0, n=500)
    assert fit_calibration(1 - y, margins)[1] == pytest.approx(TEMPERATURE_BOUNDS[1])
    assert fit_calibration(y, margins * 1e-3)[1] == pytest.approx(TEMPERATURE_BOUNDS[0])


@pytest.mark.parametrize("logits", [[], [0.1, 0.2, 0.3], [np.inf, 0.0], np.zeros((2, 3))])
def test_odd_logits_are_refused(logits):
    with pytest.raises(ValueError, match="logits"):
        fit_calibration([0, 1][: len(logits)], logits)


@pytest.mark.parametrize("sensitivity", [0.5, 0.9, 0.95, 1.0])
def test_the_threshold_reaches_the_sensitivity_and_none_higher_does(sensitivity):
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, 200), rng.random(200)
    threshold = operating_threshold(y, p, sensitivity)
    assert (p[y == 1] >= threshold).mean() >= sensitivity
    assert (p[y == 1] >= np.nextafter(threshold, 1)).mean() < sensitivity


def test_nine_of_ten_is_a_sensitivity_of_nine_tenths():
    assert operating_threshold(np.ones(10), np.arange(10) / 10, 0.9) == 0.1


def test_ties_stay_together():
    assert operating_threshold([1, 1, 1, 0], [0.4, 0.4, 0.4, 0.9], 0.3) == 0.4


def test_a_threshold_needs_covid_images():
    with pytest.raises(ValueError, match="no COVID image among the validation patients"):
        operating_threshold([0, 0], [0.1, 0.2], 0.9)


@pytest.mark.parametrize(("p", "sensitivity"), [([0.5], 0.0), ([0.5], 1.1), ([np.nan], 0.9)])
def test_what_no_threshold_can_reach_is_refused(p, sensitivity):
    with pytest.raises(ValueError, match=r"sensitivity is|NaN"):
        operating_threshold([1], p, sensitivity)
