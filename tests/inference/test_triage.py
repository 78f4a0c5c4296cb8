"""From the model's log odds to the site's three groups."""

import numpy as np
import pytest

from cxr.inference.calibration import sigmoid
from cxr.inference.site_profile import Calibration, Cuts
from cxr.inference.triage import GROUPS, group_of, groups_of, site_probabilities


def test_scale_one_and_no_offset_leave_the_probability() -> None:
    log_odds = np.linspace(-5, 5, 11)
    assert site_probabilities(log_odds, Calibration(1, 0)) == pytest.approx(sigmoid(log_odds))


def test_scale_and_offset_move_the_log_odds() -> None:
    assert site_probabilities(2.0, Calibration(0.5, -1)) == pytest.approx(0.5)
    assert site_probabilities([-1e6, 1e6], Calibration(3, 1)).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("probability", "group"),
    [(0, "unlikely"), (0.0999, "unlikely"), (0.1, "uncertain"), (0.8999, "uncertain"), (0.9, "likely"), (1, "likely")],
)
def test_a_group_begins_at_its_cut(probability: float, group: str) -> None:
    cuts = Cuts(0.1, 0.9)
    assert group_of(probability, cuts) == group
    assert [GROUPS[index] for index in groups_of([probability, probability], cuts)] == [group, group]


def test_equal_cuts_leave_nothing_uncertain() -> None:
    assert set(groups_of(np.linspace(0, 1, 101), Cuts(0.5, 0.5))) == {0, 2}
