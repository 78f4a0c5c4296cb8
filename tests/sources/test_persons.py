"""Copies of one picture in two sources make their patients one person."""

from cxr.data.manifest import ImageRow
from cxr.sources.persons import joined_patients
from tests.rows import image_row


def row(source: str, patient: str, same_as: str = "") -> ImageRow:
    path = f"{source}/{patient}-{same_as}.png"
    return image_row(path, source=source, patient=f"{source}/{patient}", same_as=same_as)


def test_a_copy_joins_its_two_patients_under_the_name_of_the_earlier_source() -> None:
    rows = [row("z", "1", "x"), row("z", "1", "y"), row("a", "7", "x"), row("a", "8"), row("z", "2", "w")]
    names = {"z/1": "z/1", "a/7": "z/1", "a/8": "a/8", "z/2": "z/2"}
    assert joined_patients(rows, ["z", "a"]) == names
    assert joined_patients(rows[::-1], ["z", "a"]) == names
    assert joined_patients(rows, ["a", "z"]) == {"z/1": "a/7", "a/7": "a/7", "a/8": "a/8", "z/2": "z/2"}


def test_a_chain_of_copies_is_one_person() -> None:
    rows = [
        row("a", "1", "x"),
        row("b", "1", "x"),
        row("b", "1", "y"),
        row("c", "1", "y"),
        row("c", "1", "z"),
        row("c", "2", "z"),
    ]
    assert set(joined_patients(rows, ["a", "b", "c"]).values()) == {"a/1"}


def test_a_picture_without_a_name_joins_nobody() -> None:
    rows = [row("a", "1"), row("b", "1")]
    assert joined_patients(rows, ["a", "b"]) == {"a/1": "a/1", "b/1": "b/1"}


def test_a_newcomer_between_two_persons_moves_neither() -> None:
    before = [row("a", "1", "x"), row("c", "1", "y")]
    bridge = [row("b", "1", "x"), row("b", "1", "y")]
    assert joined_patients(before, ["a", "c"]) == {"a/1": "a/1", "c/1": "c/1"}
    assert joined_patients(before + bridge, ["a", "c", "b"]) == {"a/1": "a/1", "c/1": "c/1", "b/1": "a/1"}
