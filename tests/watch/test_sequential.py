"""The tests of the watch: bets that are fair, p-values that are uniform, few false alarms, and alarms where it moves.

`python -m tools.watch_promise` shows the same at full size (docs/results/watch-promise.md).
"""

import numpy as np
import pytest

from cxr.watch.sequential import BETS, Evidence, Ranks, bets


def test_every_bet_is_fair_and_loses_no_more_than_it_may() -> None:
    p = (np.arange(100_000) + 0.5) / 100_000
    assert bets(p).mean(axis=0) == pytest.approx(np.ones(BETS), abs=1e-3)
    assert bets(np.linspace(0, 1, 50)).min() >= 0.1


def test_p_values_are_uniform_however_small_the_reference_and_however_few_the_bins() -> None:
    rng = np.random.default_rng(1)
    sites = 4000
    world = np.array([0.7, 0.2, 0.1])
    reference = rng.multinomial(5, world, size=(sites, 1))
    ranks = Ranks.of_counts(reference)
    found = []
    for _ in range(3):
        bins = rng.choice(3, p=world, size=(sites, 1))
        found.append(ranks.p_values(bins, rng.random((sites, 1)))[:, 0])
    for p in found:
        assert np.histogram(p, bins=5, range=(0, 1))[0] / sites == pytest.approx(np.full(5, 0.2), abs=0.03)
    assert abs(np.corrcoef(found)[np.triu_indices(3, 1)]).max() < 0.06  # and they know nothing of each other
    assert ranks.counts.sum() == sites * 8


def test_an_absent_statistic_neither_bets_nor_joins() -> None:
    ranks, evidence = Ranks.of_counts(np.array([[3, 4], [3, 4]])), Evidence.none((2,))
    p = ranks.p_values(np.array([1, -1]), np.array([0.5, 0.5]))
    evidence.take(p, np.array([True, False]), 7)
    assert ranks.counts.tolist() == [[3, 5], [3, 4]]
    assert (evidence.sums[0] > 0).all()
    assert (evidence.sums[1] == 0).all()


def alarms_in(runs: int, pictures: int, size: int, moved_by: float = 0, from_picture: int = 0) -> np.ndarray:
    """bool[runs, pictures, 2] of two statistics that are the same, of which the second moves."""
    rng = np.random.default_rng(size)

    def bins(shape: tuple[int, ...], by: float = 0) -> np.ndarray:
        usual = rng.normal(size=shape)
        return np.clip(np.stack([usual, usual + by], axis=-1) * 4 + 12, 0, 24).astype(int)

    drawn = bins((runs, size))
    ranks = Ranks.of_counts(np.stack([(drawn == place).sum(axis=1) for place in range(25)], axis=-1))
    evidence = Evidence.none((runs, 2))
    alarms = np.zeros((runs, pictures, 2), bool)
    for place in range(pictures):
        now = bins((runs,), moved_by if place >= from_picture else 0)
        evidence.take(ranks.p_values(now, rng.random(now.shape)), now >= 0, place)
        alarms[:, place] = evidence.alarmed
        evidence.forget(alarms[:, place])
    return alarms


@pytest.mark.parametrize("size", [150, 300])
def test_an_unchanged_world_raises_at_most_one_alarm_in_20000_pictures(size: int) -> None:
    alarms = alarms_in(runs=200, pictures=1000, size=size)  # 200,000 pictures: at most 10 are expected
    assert alarms.sum() <= 17  # 18 or more have a chance of 1 in 100 then


def test_a_moved_world_is_found_within_150_pictures_also_right_after_commissioning() -> None:
    alarms = alarms_in(runs=20, pictures=150, size=150, moved_by=1)
    first, second = np.moveaxis(alarms, -1, 0)
    assert np.median(np.where(second.any(axis=1), second.argmax(axis=1), 999)) < 100
    assert not first.any()


def test_the_start_of_a_change_is_told() -> None:
    rng = np.random.default_rng(2)
    ranks, evidence = Ranks.of_counts(np.full((1, 10), 20)), Evidence.none((1,))
    for place in range(400):
        bins = rng.integers(0, 10, 1) if place < 340 else rng.integers(7, 10, 1)
        evidence.take(ranks.p_values(bins, rng.random(1)), bins >= 0, place)
    assert evidence.alarmed.tolist() == [True]
    assert 325 < evidence.since_when(0) < 350


def test_evidence_never_overflows() -> None:
    evidence = Evidence.none((1,))
    with np.errstate(all="raise", under="ignore"):
        for place in range(600):
            evidence.take(np.ones(1), np.ones(1, bool), place)
    assert np.isfinite(evidence.of_statistics).all()
