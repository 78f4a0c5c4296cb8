"""Two pictures that show the same."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Copy:
    """first, second: positions of two pictures, first < second. correlation: of what both show, -1 to 1.

    inner: the one that lies on the other. start, size: where, down and across, in shares of the other's sides.
    """

    first: int
    second: int
    correlation: float
    inner: int
    start: tuple[float, float]
    size: tuple[float, float]
