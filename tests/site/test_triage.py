"""Cut-offs that keep limits, and a threshold that keeps a sensitivity."""

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import norm

from cxr.site.triage_certification import certified_threshold, certify_triage
from tests.site.made import binormal

LIMITS = {"missed": 0.05, "false": 0.2, "confidence": 0.95}
SITES = 600
ALLOWED = 0.075  # 0.05, and the noise of 600 sites: more is met once in a thousand times


def test_a_model_that_separates_gets_both_groups() -> None:
    p = np.linspace(0.01, 0.99, 200)
    triage = certify_triage(p > 0.6, p, **LIMITS)
    assert triage.unlikely is not None
    assert triage.likely is not None
    low, high = triage.cuts()
    assert 0.4 < low <= 0.5 <= high < 0.65
    assert (p < low).sum() == triage.unlikely.called
    assert (p >= high).sum() == triage.likely.called


def test_a_group_is_too_small_to_prove_anything() -> None:
    p = np.linspace(0.1, 0.9, 58 + 13)
    triage = certify_triage(p > p[57], p, **LIMITS)
    assert (triage.unlikely, triage.likely) == (None, None)
    assert triage.cuts() == (0.0, 1.0)


def test_the_first_failure_ends_it() -> None:
    """A positive patient among the lowest 59 forbids the group, however many negatives follow."""
    y = np.zeros(300, int)
    y[3] = 1
    assert certify_triage(y, np.linspace(0.1, 0.9, 300), **LIMITS).unlikely is None


def test_equal_probabilities_are_in_or_out_together() -> None:
    p = np.repeat([0.1, 0.2, 0.5, 0.9], 50)
    triage = certify_triage((p == 0.9) | (np.arange(200) % 50 >= 25) & (p == 0.5), p, **LIMITS)
    assert triage.unlikely is not None
    assert triage.unlikely.called == 100
    assert triage.cuts()[0] == 0.5
    assert triage.likely is not None
    assert triage.likely.called == 50
    assert 0.5 < triage.cuts()[1] < 0.500001


def test_sure_patients_do_not_pay_for_others_beyond_an_even_probability() -> None:
    """A hundred sure positives would let forty negatives be called likely: the group ends at one half all the same."""
    p = np.concatenate([np.linspace(0.01, 0.49, 100), np.linspace(0.8, 0.99, 200)])
    triage = certify_triage(p > 0.5, p, **LIMITS)
    assert triage.likely is not None
    assert triage.likely.called == 199
    assert triage.likely.bound >= 0.5
    nobody = certify_triage(p > 0.5, p / 2, **LIMITS)
    assert nobody.likely is None


def test_no_patient_and_one_label_certify_nothing_wrong() -> None:
    assert certify_triage([], [], **LIMITS).cuts() == (0.0, 1.0)
    assert certify_triage(np.ones(100), np.linspace(0, 1, 100), **LIMITS).unlikely is None


@pytest.mark.parametrize(("prevalence", "distance"), [(0.1, 1.0), (0.3, 2.0), (0.06, 0.3)])
def test_a_limit_is_violated_in_at_most_one_of_twenty_sites(prevalence: float, distance: float) -> None:
    rng = np.random.default_rng(5)
    cuts = np.array([certify_triage(*binormal(rng, 150, prevalence, distance), **LIMITS).cuts() for _ in range(SITES)])
    low, high = (logit(cuts.clip(1e-12, 1 - 1e-12)).T - logit(prevalence)) / distance
    wrong_below = prevalence * norm.cdf(low - distance / 2)
    missed = wrong_below / (wrong_below + (1 - prevalence) * norm.cdf(low + distance / 2) + 1e-300)
    wrong_above = (1 - prevalence) * norm.sf(high + distance / 2)
    false = wrong_above / (wrong_above + prevalence * norm.sf(high - distance / 2) + 1e-300)
    assert ((cuts[:, 0] > 0) & (missed > 0.05)).mean() <= ALLOWED
    assert ((cuts[:, 1] < 1) & (false > 0.2)).mean() <= ALLOWED


def test_a_sensitivity_is_missed_in_at_most_one_of_twenty_sites() -> None:
    rng = np.random.default_rng(6)
    p = rng.random((SITES, 40))  # of positives: the true sensitivity at t is 1 - t
    found = [certified_threshold(np.ones(40), one, sensitivity=0.85, confidence=0.95) for one in p]
    assert np.mean(np.array(found, float) > 0.15) <= ALLOWED


def test_a_threshold_needs_19_positives_for_85_per_cent() -> None:
    p = np.linspace(0.1, 0.9, 19)
    asked = {"sensitivity": 0.85, "confidence": 0.95}
    assert certified_threshold(np.ones(18), p[:18], **asked) is None
    assert certified_threshold(np.ones(19), p, **asked) == 0.1
    assert certified_threshold(np.zeros(19), p, **asked) is None
