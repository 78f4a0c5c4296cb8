"""Groups of patients to train, validation, test: the same group always to the same split.

A group is a patient, or all patients whom copies of one picture join (cxr/data/copies.py): they may be one person, so
they stand on one side of the split, count once in an interval, and are left out together where a source is left out.
All stages behind the split know images by their group: `Dataset.read` gives it as the image's patient.

The split is a function of the seed and the group's patients alone. A patient whom nobody joins never moves, however the
data grow. A group stands in the first of SPLITS that a patient of it belongs to. So who is joined later can move from
test or validation into training, never the other way: a retrained model is not tested on what an earlier one knew.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cxr.data.copies import CopyRow, are_apart, joined, pairs_of
from cxr.data.manifest import ImageRow, RejectedRow
from cxr.data.settings import SplitParams

# In the order of precedence: a group goes to the first one that a patient of it belongs to.
SPLITS = ("train", "validation", "test")
HELD_OUT = "held_out"  # never in the split: audit and external images


@dataclass(frozen=True, slots=True)
class SplitRow:
    """path: of the image. split: one of SPLITS, or HELD_OUT. group: one of its patients' names."""

    path: str
    group: str
    split: str


def split_of_patient(group: str, params: SplitParams) -> str:
    """The split of one patient or one group, by its name: uniform over patients by a keyed hash."""
    digest = hashlib.blake2b(group.encode(), digest_size=8, key=f"split-{params.seed}".encode()).digest()
    position = int.from_bytes(digest, "big") / 2**64
    if position < params.test_fraction:
        return "test"
    if position < params.test_fraction + params.validation_fraction:
        return "validation"
    return "train"


def split_fingerprint(params: SplitParams, group_of: Mapping[str, str]) -> str:
    """Where two splits have the same one, no patient whom the one trains on is validated or tested by the other.

    group_of: the group of each patient in one of SPLITS. It names the seed, the shares, and a hash of the patients whom
    a copy moved into training. All others stand there by their own name's split alone, and nobody is ever moved out of
    it. So it stays the same when patients are added who move nobody into training, and when pairs are found or lost
    within it or outside. A new patient who is moved into training changes it, although it was nobody's before: the
    hash cannot tell who is new.
    """
    moved = sorted(
        patient
        for patient, group in group_of.items()
        if split_of_patient(group, params) == "train" != split_of_patient(patient, params)
    )
    digest = hashlib.blake2b("\n".join(moved).encode(), digest_size=8).hexdigest()
    return f"{params.seed}/{params.test_fraction}/{params.validation_fraction}/{digest}"


def assign_splits(
    rows: Sequence[ImageRow], copies: Sequence[CopyRow], params: SplitParams
) -> tuple[list[SplitRow], list[RejectedRow]]:
    """One SplitRow per kept image, and one RejectedRow per other: copies of which nobody can say which label is right,
    and images that are only tested on, where their group is trained on under another name."""
    pairs = list(pairs_of(rows, copies))
    group = group_of_patients(rows, pairs, params)
    rejected = _contradictory(pairs) | _tested_although_known(rows, pairs, group)
    kept = [
        SplitRow(
            row.path, group[row.patient], split_of_patient(group[row.patient], params) if _learns(row) else HELD_OUT
        )
        for row in rows
        if row.path not in rejected
    ]
    return kept, [rejected[row.path] for row in rows if row.path in rejected]


def group_of_patients(
    rows: Sequence[ImageRow], pairs: Sequence[tuple[ImageRow, ImageRow]], params: SplitParams
) -> dict[str, str]:
    """Each patient's group: the name of that patient of it whose own split is the whole group's.

    Patients with training images come first: who is only tested on moves nobody."""
    learning = {row.patient for row in rows if _learns(row)}

    def order(patient: str) -> tuple[bool, int, str]:
        return patient not in learning, SPLITS.index(split_of_patient(patient, params)), patient

    found = {row.patient: row.patient for row in rows}
    groups = joined((first.patient, second.patient) for first, second in pairs)
    return found | {patient: min(members, key=order) for patient, members in groups.items()}


def _learns(row: ImageRow) -> bool:
    return row.role == "train"


def _contradictory(pairs: Sequence[tuple[ImageRow, ImageRow]]) -> dict[str, RejectedRow]:
    """Both of two copies under two names whose labels differ. Two images of one patient may well look alike and have
    two labels, as days apart."""
    return {
        row.path: RejectedRow(row.path, row.source, "conflicting_labels", f"{row.label}, like {other.path}")
        for first, second in pairs
        if first.label != second.label and are_apart(first, second)
        for row, other in ((first, second), (second, first))
    }


def _tested_although_known(
    rows: Sequence[ImageRow], pairs: Sequence[tuple[ImageRow, ImageRow]], group: dict[str, str]
) -> dict[str, RejectedRow]:
    """Images that are only tested on, and a copy of which, or whose group under another name, is in the split."""
    learning: dict[str, list[ImageRow]] = defaultdict(list)
    for row in rows:
        if _learns(row):
            learning[group[row.patient]].append(row)
    copy = {one.path: other for pair in pairs for one, other in (pair, pair[::-1]) if _learns(other)}
    found: dict[str, RejectedRow] = {}
    for row in rows:
        if not _learns(row):
            known = [copy[row.path]] if row.path in copy else learning[group[row.patient]]
            like = next((other for other in known if row.path in copy or are_apart(row, other)), None)
            if like is not None:
                reason = "near_duplicate_across_split"
                found[row.path] = RejectedRow(row.path, row.source, reason, f"{row.role}, like {like.path}")
    return found
