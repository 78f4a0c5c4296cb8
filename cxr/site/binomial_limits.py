"""How many wrong ones of n prove that a share lies under a limit: exact binomial tests, and how large n must be."""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt


def most_wrong(counts: npt.ArrayLike, limit: float, confidence: float) -> npt.NDArray[np.intp]:
    """For groups of `counts` (n,), the most wrong ones at which "the share is above the limit" is rejected; -1: none.

    Rejected is it where so few of n would be wrong with a probability of at most 1 - confidence if the share were at
    the limit. limit, confidence: above 0 and below 1.
    """
    asked = np.asarray(counts, int)
    table = _table(2 ** math.ceil(math.log2(max(int(asked.max(initial=0)) + 1, 64))), limit, confidence)
    return table[asked]


def smallest_group(limit: float, confidence: float) -> int:
    """The smallest group that proves it, with none wrong in it."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - limit) - 1e-12)


@lru_cache(maxsize=64)
def _table(size: int, limit: float, confidence: float) -> npt.NDArray[np.intp]:
    from scipy.stats import binom

    for name, value in (("limit", limit), ("confidence", confidence)):
        if not 0 < value < 1:
            raise ValueError(f"{name} is {value}; it must lie above 0 and below 1")
    counts = np.arange(size)
    found = binom.ppf(1 - confidence, counts, limit)  # the fewest whose probability reaches 1 - confidence
    exceeds = binom.cdf(found, counts, limit) > 1 - confidence
    return (found - exceeds).astype(np.intp)
