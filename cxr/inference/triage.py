"""From the model's calibrated log odds to the site's probability, and from that to one of three groups.

Commissioning finds the cuts and certifies what the groups promise. Here they are only applied, by commissioning and by
the service alike.
"""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from cxr.inference.calibration import sigmoid
from cxr.inference.site_profile import Calibration, Cuts

Group = Literal["unlikely", "uncertain", "likely"]
GROUPS: tuple[Group, ...] = get_args(Group)


def site_probabilities(log_odds: npt.ArrayLike, calibration: Calibration) -> npt.NDArray[np.float64]:
    """p_covid at the site, 0 to 1, of the model's calibrated log odds, both of one shape (`Engine.log_odds`)."""
    return sigmoid(calibration.scale * np.asarray(log_odds, float) + calibration.offset)


def groups_of(probabilities: npt.ArrayLike, cuts: Cuts) -> npt.NDArray[np.intp]:
    """Of each of the site's probabilities (n,), the index in GROUPS: unlikely below `unlikely_below`, likely from
    `likely_from` on."""
    values = np.asarray(probabilities, float)
    return (values >= cuts.unlikely_below).astype(np.intp) + (values >= cuts.likely_from)


def group_of(probability: float, cuts: Cuts) -> Group:
    """As `groups_of`, of one."""
    return GROUPS[(probability >= cuts.unlikely_below) + (probability >= cuts.likely_from)]
