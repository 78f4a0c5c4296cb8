"""Class names and their order, once."""

from typing import Literal

Label = Literal["NonCOVID", "COVID"]
NON_COVID = "NonCOVID"
COVID = "COVID"
# Index in this tuple = column of every probability table and of the head's weights.
CLASSES = (NON_COVID, COVID)
COVID_INDEX = CLASSES.index(COVID)
REFUSED = "Refused"  # a state of an answer, never a class


def label_index(label: str) -> int:
    """0 for NonCOVID, 1 for COVID. Raises ValueError on any other name."""
    try:
        return CLASSES.index(label)
    except ValueError:
        raise ValueError(f"label {label!r} is not one of {CLASSES}") from None
