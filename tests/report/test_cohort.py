"""Who the images are of."""

from cxr.report.cohort import cohort, describe
from tests.rows import image_row


def test_sex_and_age_count_patients_and_views_count_images() -> None:
    rows = [
        image_row("a1", patient="a", sex="", age="", view="PA"),
        image_row("a2", patient="a", sex="F", age="40", view="AP"),
        image_row("b1", patient="b", sex="M", age="60", label="NonCOVID", source="other"),
        image_row("c1", patient="c", view=""),
    ]
    found = describe(rows)
    assert (found["images"], found["patients"]) == (4, 3)
    assert found["sexes"] == {"F": 1, "M": 1, "not recorded": 1}
    assert found["views"] == {"AP": 1, "PA": 2, "not recorded": 1}
    assert found["age"] == {"patients": 2, "median": 50.0, "q1": 45.0, "q3": 55.0}
    assert found["labels"] == {"NonCOVID": 1, "COVID": 3}
    assert found["labels_by_source"] == {"other": {"NonCOVID": 1}, "test": {"COVID": 3}}


def test_without_an_age_there_is_no_median() -> None:
    assert describe([image_row("a")])["age"]["median"] is None


def test_sides_without_images_are_left_out() -> None:
    rows = [image_row("a"), image_row("b")]
    assert list(cohort(rows, {"a": "test", "b": "train"})) == ["train", "test"]
