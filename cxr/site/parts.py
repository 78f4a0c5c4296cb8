"""A site's patients in three parts that never mix: to adapt with, to calibrate with, and to certify with.

What is chosen on one part is judged on another one. A patient's place depends on the seed, the id, and how many
patients of the same label there are; not on the order of the rows.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from cxr.common.errors import CxrError

Part = Literal["adapt", "calibrate", "certify"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class Shares:
    """Of the patients of each label, 0 to 1, together 1. adapt: 0 unless something is trained anew at the site."""

    adapt: float = 0.0
    calibrate: float = 2 / 3
    certify: float = 1 / 3

    def __post_init__(self) -> None:
        values = (self.adapt, self.calibrate, self.certify)
        if not all(0 <= value <= 1 for value in values) or abs(sum(values) - 1) > 1e-9:
            raise CxrError(f"the parts' shares are {values}; they must lie in 0 to 1 and sum to 1")


def sizes_of(patients: int, shares: Shares) -> tuple[int, ...]:
    """How many of the patients of one label enter each of PARTS."""
    ends = [0, round(patients * shares.adapt), round(patients * (shares.adapt + shares.calibrate)), patients]
    return tuple(end - start for start, end in pairwise(ends))


def parts_of(patients: Sequence[str], y: npt.ArrayLike, shares: Shares, seed: int) -> npt.NDArray[np.str_]:
    """The part of each picture, (n,). patients: (n,) ids. y: (n,) 0 or 1.

    Patients with a positive picture and those without one are shared out apart, so that every part has its share of
    both.
    """
    positive = {patient for patient, label in zip(patients, np.asarray(y), strict=True) if label}
    place: dict[str, Part] = {}
    for stratum in (positive, set(patients) - positive):
        ordered = sorted(stratum, key=lambda patient: (_hash(patient, seed), patient))
        drawn = iter(ordered)
        for part, size in zip(PARTS, sizes_of(len(ordered), shares), strict=True):
            place |= dict.fromkeys(islice(drawn, size), part)
    return np.array([place[patient] for patient in patients], dtype=np.str_)


def one_each(patients: Sequence[str], names: Sequence[str], seed: int) -> npt.NDArray[np.intp]:
    """The index of one picture of each patient, sorted. names: (n,) of the pictures, different from each other.

    Pictures of one patient resemble each other, and what is promised counts patients. Which picture enters depends on
    the seed and its name alone, so it is a random one of that patient's.
    """
    first: dict[str, tuple[bytes, int]] = {}
    for i, (patient, name) in enumerate(zip(patients, names, strict=True)):
        drawn = (_hash(name, seed), i)
        first[patient] = min(first.get(patient, drawn), drawn)
    return np.array(sorted(i for _, i in first.values()), dtype=np.intp)


def _hash(name: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}\0{name}".encode(errors="surrogateescape"), digest_size=16).digest()
