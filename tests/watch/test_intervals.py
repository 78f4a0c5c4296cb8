"""The interval of a share holds at all times together."""

import numpy as np
import pytest

from cxr.watch.intervals import share_interval


def test_nothing_known_is_everything_possible() -> None:
    assert share_interval(0, 0) == (0.0, 1.0)


def test_the_interval_is_around_the_share_and_narrows() -> None:
    widths = []
    for count in (10, 100, 1000):
        low, high = share_interval(count * 9 // 10, count)
        assert low < 0.9 < high
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.08


def test_ends_are_exact_where_all_or_none_are_positive() -> None:
    low, high = share_interval(20, 20)
    assert (high, share_interval(0, 20)[0]) == (1.0, 0.0)
    assert low == pytest.approx(1 - share_interval(0, 20)[1])


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_who_looks_after_each_outcome_is_misled_in_at_most_one_case_of_twenty(share: float) -> None:
    rng = np.random.default_rng(5)
    misled = 0
    looks = sorted({int(look) for look in np.geomspace(1, 300, 25)})
    for _ in range(60):
        positive = np.cumsum(rng.random(300) < share)
        misled += any(
            not low <= share <= high for low, high in (share_interval(int(positive[n - 1]), n) for n in looks)
        )
    assert misled <= 7  # 3 are expected at most; 8 or more have a chance of 1 in 100 then


@pytest.mark.parametrize("wrong", [(2, 1, 0.95), (-1, 1, 0.95), (1, 2, 1.0)])
def test_numbers_that_are_none_are_refused(wrong: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match="count again"):
        share_interval(*wrong)
