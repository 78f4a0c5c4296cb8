"""The verdict, and that a model which does not work is not let in."""

import numpy as np
import pytest

from cxr.site.decision import SiteDecision, decide
from cxr.site.limits import SiteLimits
from cxr.site.parts import Shares
from tests.site.made import Array, binormal


def decided(y: Array, p: Array, seed: int = 0) -> SiteDecision:
    names = [f"{i}" for i in range(len(y))]
    return decide(y, p, names, names, limits=SiteLimits(), shares=Shares(), seed=seed)


def shuffled(rng: np.random.Generator, prevalence: float) -> tuple[Array, Array]:
    y, p = binormal(rng, 300, prevalence, 2.0)
    return rng.permutation(y), p


def test_a_model_that_separates_is_for_use() -> None:
    found = decided(*binormal(np.random.default_rng(0), 300, 0.3, 5))
    assert found.decided.verdict == "for_use"
    assert "at most 5% of those called unlikely are positive" in found.decided.reasons[0]


@pytest.mark.parametrize("prevalence", [0.04, 0.3])
def test_shuffled_labels_are_not_for_use(prevalence: float) -> None:
    """At 4 % even a group drawn by lot keeps the limit of 5 % missed: the ranks must speak too."""
    rng = np.random.default_rng(2)
    sites = [shuffled(rng, prevalence) for _ in range(100)]
    assert np.mean([decided(*site).decided.verdict == "for_use" for site in sites]) <= 0.05


def test_turned_scores_are_not_for_use() -> None:
    y, p = binormal(np.random.default_rng(3), 300, 0.3, 4)
    assert decided(y, 1 - p).decided.verdict == "not_for_use"


def test_too_few_positives_are_not_for_use_and_the_reason_says_so() -> None:
    found = decided(*binormal(np.random.default_rng(4), 200, 0.03, 6))
    assert found.decided.verdict == "not_for_use"
    assert any("too few positive" in reason for reason in found.decided.reasons)


def test_certify_patients_that_exceed_a_limit_forbid_the_use() -> None:
    """The model worked on the calibrate patients and not on the others: the labels were mixed up, for one."""
    y, p = binormal(np.random.default_rng(5), 300, 0.3, 5)
    parts = decided(y, p).parts
    changed = np.where((parts == "certify") & (np.arange(300) % 3 == 0), 1 - y, y)
    found = decided(changed, p)
    assert found.decided.verdict == "not_for_use"


def test_the_same_site_gets_the_same_verdict_in_any_order() -> None:
    y, p = binormal(np.random.default_rng(6), 200, 0.3, 3)
    names = [f"{i}" for i in range(200)]
    turned = np.random.default_rng(7).permutation(200)
    asked = {"limits": SiteLimits(), "shares": Shares(), "seed": 1}
    first = decide(y, p, names, names, **asked)
    again = decide(y[turned], p[turned], [names[i] for i in turned], [names[i] for i in turned], **asked)
    assert (again.triage, again.threshold, again.findings) == (first.triage, first.threshold, first.findings)


@pytest.mark.parametrize("distance", [2.0, 3.0, 5.0])
def test_a_group_and_the_threshold_never_contradict_each_other(distance: float) -> None:
    rng = np.random.default_rng(9)
    for prevalence in (0.2, 0.3, 0.6):
        found = decided(*binormal(rng, 300, prevalence, distance))
        assert found.threshold is not None
        low, high = found.triage.cuts()
        assert low <= found.threshold <= high
