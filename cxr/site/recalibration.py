"""Whether the site needs a calibration of its own, and which: a scale and an offset on the model's log odds.

Both keep the order of the answers, so they change neither who is unlikely, uncertain or likely nor what is promised
about it; they change how a probability reads.
"""

import numpy as np
import numpy.typing as npt

from cxr.inference.site_profile import Calibration
from cxr.training.calibration_fit import fit_calibration

FOLDS = 5
AS_IT_IS = Calibration(1.0, 0.0)
FEWEST = 2 * FOLDS  # patients of each label: two in each fold


def recalibrated(y_true: npt.ArrayLike, log_odds: npt.ArrayLike) -> Calibration:
    """Fitted to the calibrate patients, (n,) each, where patients left out of the fit are then told better (log loss
    over five folds); else as it is, the simpler of the two."""
    y = np.asarray(y_true, int)
    odds = np.asarray(log_odds, float)
    if min(int(y.sum()), int((1 - y).sum())) < FEWEST:
        return AS_IT_IS
    fold = np.empty(len(y), int)
    for label in (0, 1):  # in turn, so that every fold has both
        members = np.flatnonzero(y == label)
        fold[members] = np.arange(len(members)) % FOLDS
    fitted = [_loss(y[fold == k], odds[fold == k], _fit(y[fold != k], odds[fold != k])) for k in range(FOLDS)]
    return _fit(y, odds) if sum(fitted) < _loss(y, odds, AS_IT_IS) else AS_IT_IS


def _fit(y: npt.NDArray[np.int_], odds: npt.NDArray[np.float64]) -> Calibration:
    shift, temperature = fit_calibration(y, odds)
    return Calibration(1 / temperature, shift / temperature)


def _loss(y: npt.NDArray[np.int_], odds: npt.NDArray[np.float64], calibration: Calibration) -> float:
    """The summed negative log-likelihood."""
    signed = (2 * y - 1) * (calibration.scale * odds + calibration.offset)
    return float(np.logaddexp(0, -signed).sum())
