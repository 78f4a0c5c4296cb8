"""Patients to train, validation, test: the same patient always to the same split.

The split is a function of the seed and the patient alone, so growing the data moves nobody: a retrained model
is never tested on what an earlier one learned from.

Near-duplicates of two patients are the one thing that a patient's hash cannot keep apart. Merging the two
patients would move one of them whenever such a pair appears, so a pair that straddles the split loses its
member in the less protected split instead: what was once trained on stays in training (dropping it there
would let its twin be tested on), validation gives way to training, test to both.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from cxr.data.manifest import ImageRow, RejectedRow
from cxr.data.settings import SplitParams

# In the order of precedence: the earlier split keeps its image.
SPLITS = ("train", "validation", "test")
HELD_OUT = "held_out"  # never in the split: audit and external images
HASH_BITS = 256
_BLOCK = 4096  # rows of the pairwise comparison held at once: 4096 x 4096 float32 = 64 MiB


@dataclass(frozen=True, slots=True)
class SplitRow:
    """path: of the image. split: one of SPLITS, or HELD_OUT. group: the patient."""

    path: str
    group: str
    split: str


def split_of_patient(group: str, params: SplitParams) -> str:
    """The split of one patient, uniform over patients by a keyed hash."""
    digest = hashlib.blake2b(group.encode(), digest_size=8, key=f"split-{params.seed}".encode()).digest()
    position = int.from_bytes(digest, "big") / 2**64
    if position < params.test_fraction:
        return "test"
    if position < params.test_fraction + params.validation_fraction:
        return "validation"
    return "train"


def split_fingerprint(params: SplitParams) -> str:
    """The same for two splits exactly when they send every patient to the same split."""
    return f"{params.seed}/{params.test_fraction}/{params.validation_fraction}"


def assign_splits(rows: Sequence[ImageRow], params: SplitParams) -> tuple[list[SplitRow], list[RejectedRow]]:
    """One SplitRow per kept image, and one RejectedRow per image that looks like one in a split before its own."""
    splits = [split_of_patient(row.patient, params) if row.role == "train" else HELD_OUT for row in rows]
    twins = _twins_in_earlier_splits(rows, splits, params.near_duplicate_bits)
    kept = [
        SplitRow(row.path, row.patient, split)
        for i, (row, split) in enumerate(zip(rows, splits, strict=True))
        if i not in twins
    ]
    dropped = [
        RejectedRow(rows[i].path, rows[i].source, "near_duplicate_across_split", f"{splits[i]}, like {rows[j].path}")
        for i, j in sorted(twins.items())
    ]
    return kept, dropped


def _twins_in_earlier_splits(rows: Sequence[ImageRow], splits: Sequence[str], max_bits: int) -> dict[int, int]:
    """Index of each image to drop, to the index of its twin on an earlier split."""
    order = {split: rank for rank, split in enumerate((*SPLITS, HELD_OUT))}
    twins: dict[int, int] = {}
    for i, j in sorted([*near_duplicates([row.phash for row in rows], max_bits), *_named_copies(rows)]):
        later, earlier = (i, j) if order[splits[i]] > order[splits[j]] else (j, i)
        if splits[later] != splits[earlier]:
            twins.setdefault(later, earlier)
    return twins


def _named_copies(rows: Sequence[ImageRow]) -> Iterator[tuple[int, int]]:
    """All pairs (i, j), i < j, of pictures that the sources' records call copies of one."""
    holders: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        if row.same_as:
            holders.setdefault(row.same_as, []).append(i)
    for found in holders.values():
        yield from combinations(found, 2)


def near_duplicates(phashes: Sequence[str], max_bits: int) -> list[tuple[int, int]]:
    """All pairs (i, j), i < j, whose hashes differ in at most `max_bits` bits; sorted.

    The Hamming distance of two bit vectors is (bits - a.b) / 2 over +1 and -1, so that one matrix product
    compares a block of images with all others.
    """
    if not phashes:
        return []
    packed = np.frombuffer(bytes.fromhex("".join(phashes)), np.uint8).reshape(len(phashes), HASH_BITS // 8)
    signs = np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(signs), _BLOCK):
        for other in range(start, len(signs), _BLOCK):
            likeness = signs[start : start + _BLOCK] @ signs[other : other + _BLOCK].T
            found = np.argwhere(likeness >= HASH_BITS - 2 * max_bits) + np.array([start, other])
            pairs.extend((int(i), int(j)) for i, j in found if i < j)
    return sorted(pairs)
