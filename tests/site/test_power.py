"""Whether a sample can answer, said before anything is computed."""

import pytest
from scipy.stats import binom

from cxr.site.binomial_limits import most_wrong, smallest_group
from cxr.site.limits import SiteLimits
from cxr.site.parts import Shares
from cxr.site.power import ENOUGH, TOO_FEW, power_of


@pytest.mark.parametrize(("limit", "confidence"), [(0.05, 0.95), (0.2, 0.95), (0.15, 0.9), (0.01, 0.99)])
def test_the_most_wrong_ones_are_those_of_the_exact_test(limit: float, confidence: float) -> None:
    for count, most in enumerate(most_wrong(range(200), limit, confidence)):
        assert most < 0 or binom.cdf(most, count, limit) <= 1 - confidence
        assert binom.cdf(most + 1, count, limit) > 1 - confidence


def test_59_without_a_miss_prove_five_per_cent() -> None:
    assert smallest_group(0.05, 0.95) == 59
    assert most_wrong([58, 59, 92, 93], 0.05, 0.95).tolist() == [-1, 0, 0, 1]


def test_a_large_sample_can_answer() -> None:
    power = power_of(90, 210, Shares(), SiteLimits())
    assert power.answers
    assert power.sentences[-1] == ENOUGH


def test_a_small_sample_is_told_what_to_collect() -> None:
    power = power_of(10, 90, Shares(), SiteLimits())
    assert not power.answers
    assert power.sentences[-1] == TOO_FEW
    assert any("collect 18 more" in said for said in power.sentences)


def test_what_it_says_is_needed_is_enough() -> None:
    assert power_of(28, 88, Shares(), SiteLimits()).answers
    assert not power_of(27, 88, Shares(), SiteLimits()).answers


def test_no_patient_at_all_is_said_and_not_an_error() -> None:
    assert not power_of(0, 0, Shares(), SiteLimits()).answers
