import pytest

from cxr.inference import precision
from cxr.inference.precision import AUC_TOLERANCE, SAME_ANSWER, available, best, fastest_float, holds


@pytest.fixture
def with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "available", lambda: ("int8", "bf16", "f32"))


def entry(holds: bool = True, times_f32: float = 2.0) -> dict:
    return {"holds": holds, "times_f32": times_f32}


def test_float32_is_always_there() -> None:
    assert available()[-1] == "f32"
    assert fastest_float() in ("bf16", "f32")


@pytest.mark.usefixtures("with_all")
@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ({}, "f32"),
        ({"bf16": entry(), "int8": entry()}, "int8"),
        ({"bf16": entry(), "int8": entry(holds=False)}, "bf16"),
        ({"bf16": entry(holds=False), "int8": entry(holds=False)}, "f32"),
        ({"bf16": entry(times_f32=0.9), "int8": entry(holds=False)}, "f32"),
    ],
)
def test_the_fastest_that_holds_is_taken(measured: dict, expected: str) -> None:
    assert best(measured) == expected


def test_a_precision_that_this_machine_lacks_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "available", lambda: ("f32",))
    assert best({"int8": entry(), "bf16": entry()}) == "f32"


@pytest.mark.parametrize(
    ("auc_difference", "same_answer", "expected"),
    [
        (0.0, 1.0, True),
        (None, 1.0, True),
        (-AUC_TOLERANCE, SAME_ANSWER, True),
        (0.006, 1.0, False),
        (-0.006, 1.0, False),
        (0.0, 0.98, False),
    ],
)
def test_what_holds(auc_difference: float | None, same_answer: float, expected: bool) -> None:
    assert holds(auc_difference, same_answer) is expected
