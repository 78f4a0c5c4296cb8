"""How long to wait before the next try."""

import random
from dataclasses import dataclass

MOST_DOUBLINGS = 30


@dataclass(frozen=True)
class Backoff:
    """first_s doubles with each failure up to longest_s."""

    first_s: float
    longest_s: float

    def wait_s(self, failures: int) -> float:
        """Seconds to wait after so many failures before this one; half of it is by chance, so that nodes that were
        stopped by the same fault do not come back together."""
        whole = min(self.longest_s, self.first_s * 2 ** min(failures, MOST_DOUBLINGS))
        return whole * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
