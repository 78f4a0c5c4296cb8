"""Intervals of a share that hold at all times together, so that one may look after each outcome and stop at will."""

import math

STEPS = 60  # halvings: the ends are exact to 1e-18


def share_interval(positive: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """The confidence sequence of a share after `positive` of `count` outcomes: with this confidence, the true share is
    inside at every count at once.

    The likelihood of each share is compared with its mean over all shares (a beta mixture with Jeffreys' prior; Robbins
    1970, Ville's inequality). (0, 1) where nothing is known. Raises ValueError where the numbers are none.
    """
    if not 0 <= positive <= count or not 0 < confidence < 1:
        raise ValueError(f"{positive} of {count} at a confidence of {confidence} is no share; count again")
    if count == 0:
        return 0.0, 1.0
    mixture = _log_beta(positive + 0.5, count - positive + 0.5) - _log_beta(0.5, 0.5)
    bound = mixture + math.log(1 - confidence)
    middle = positive / count
    return _end(0.0, middle, positive, count, bound), _end(1.0, middle, positive, count, bound)


def _end(outside: float, inside: float, positive: int, count: int, bound: float) -> float:
    """Where the likelihood falls below the bound, between a share that may lie outside and one inside."""
    if _log_likelihood(outside, positive, count) >= bound:
        return outside
    for _ in range(STEPS):
        middle = (outside + inside) / 2
        if _log_likelihood(middle, positive, count) >= bound:
            inside = middle
        else:
            outside = middle
    return outside


def _log_likelihood(share: float, positive: int, count: int) -> float:
    parts = ((positive, share), (count - positive, 1 - share))
    if any(number and not chance for number, chance in parts):
        return -math.inf
    return sum(number * math.log(chance) for number, chance in parts if number)


def _log_beta(first: float, second: float) -> float:
    return math.lgamma(first) + math.lgamma(second) - math.lgamma(first + second)
