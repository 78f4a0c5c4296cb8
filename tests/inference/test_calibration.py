import numpy as np
import pytest

from cxr.inference.calibration import calibrated


def test_calibration_keeps_the_order_of_the_images():
    margins = np.random.default_rng(2).normal(0, 6, 100)
    assert (np.argsort(calibrated(margins, 3.0)) == np.argsort(margins)).all()


def test_extreme_logits_give_probabilities_without_a_warning():
    with np.errstate(all="raise", under="ignore"):
        assert calibrated([-1e6, 0, 1e6], 1.0) == pytest.approx([0, 0.5, 1])


def test_a_temperature_of_nothing_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        calibrated([1.0], 0.0)
