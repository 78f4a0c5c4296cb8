"""index.json and split.json, as later stages read them."""

from typing import NotRequired

from typing_extensions import TypedDict


class IndexReport(TypedDict):
    """index.json: images by "source/label", and rejected ones by "source/reason"."""

    images: int
    patients: int
    by_source_and_label: dict[str, int]
    rejected: int
    rejected_by_source_and_reason: dict[str, int]


class SplitReport(TypedDict):
    """split.json. near_duplicates_dropped: images that are only tested on, and that the split knows under another name.
    contradictory_copies_dropped: copies with two labels."""

    near_duplicates_dropped: int
    contradictory_copies_dropped: NotRequired[int]  # since copies are found by their pictures
