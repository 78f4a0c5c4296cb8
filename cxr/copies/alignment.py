"""Whether two pictures show the same: one is laid over the other, and their local contrasts are correlated.

The place where to begin comes from two windows that look alike. From there shift and scale are refined by Gauss-Newton
steps (Baker & Matthews 2004: inverse compositional). Looks grow finer, and each rules out most pairs that remain: the
finest for all of them would cost more than everything else.
"""

from dataclasses import dataclass

import numpy as np

from cxr.common.parallel import map_parts
from cxr.copies.kernels import laid_over
from cxr.copies.sampling import Floats, Indices, Places, SmallPictures

_REACH = 0.1  # of the second picture's sides: how far local contrast looks
# Samples of a side, and the correlation that a finer look asks for. They were read off pairs that
# tools/copies_quality.py makes: no true one had less than 0.85 in the first or 0.88 in the second look.
_LOOKS = ((20, 0.8), (32, 0.8), (64, -1.0))
_PART = 512  # pairs that a thread handles at a time


@dataclass(frozen=True)
class Pairs:
    """firsts, seconds: positions of pictures. places: where each second lies on its first."""

    firsts: Indices
    seconds: Indices
    places: Places

    def at(self, chosen: np.ndarray | slice) -> "Pairs":
        return Pairs(self.firsts[chosen], self.seconds[chosen], self.places.at(chosen))


def confirmed(pictures: SmallPictures, pairs: Pairs) -> tuple[Pairs, Floats]:
    """The pairs that no coarse look rules out, with their places refined, and the correlation of what both show,
    float64[n], -1 to 1; -1 where that is less than half of the second."""
    found: Floats = np.empty(0)
    for samples, enough in _LOOKS:
        pairs, found = _looked_at(pictures, pairs, samples)
        pairs, found = pairs.at(found >= enough), found[found >= enough]
    return pairs, found


def _looked_at(pictures: SmallPictures, pairs: Pairs, samples: int) -> tuple[Pairs, Floats]:
    def look(part: slice) -> tuple[Floats, Floats, Floats]:
        some = pairs.at(part)
        places = some.places.start, some.places.size
        return laid_over(pictures.pixels, some.firsts, some.seconds, *places, samples, max(round(_REACH * samples), 1))

    parts = map_parts(look, len(pairs.firsts), _PART, f"compared at {samples}")
    if not parts:
        return pairs, np.empty(0)
    found, start, size = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Pairs(pairs.firsts, pairs.seconds, Places(start, size)), found
