"""Tables from JSON Schema."""

from typing import Annotated

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from tools.docs_tables import fields, kind_of, opening, table


@dataclass
class Inner:
    gamma: Annotated[float, Field(ge=1, le=5)]


@dataclass
class Outer:
    """Of a toy. epochs, seed: whole: numbers. inner: below."""

    epochs: Annotated[int, Field(ge=0)]
    seed: int
    inner: Inner
    weights: dict[str, bool | None]


def test_every_key_has_its_way_its_range_and_its_sentence() -> None:
    schema = TypeAdapter(Outer).json_schema()
    assert opening(schema) == "Of a toy."
    assert list(fields(schema, schema["$defs"])) == [
        ("epochs", "whole number, at least 0", "whole: numbers."),
        ("seed", "whole number", "whole: numbers."),
        ("inner", "keys and values", "below."),
        ("inner.gamma", "number, 1 to 5", ""),
        ("weights.<name>", "true or false or null", ""),
    ]


def test_values_are_told_in_words() -> None:
    assert kind_of({"type": "array", "items": {"enum": ["a", "b"]}}, {}) == "list of one of `a`, `b`"
    assert (
        kind_of({"type": ["number", "null"], "maximum": 1, "default": 0}, {})
        == "number or null, at most 1; 0 if left out"
    )


def test_a_cell_stays_one_cell() -> None:
    assert table(("a", "b"), [("x | y\nz", "")]) == "| a | b |\n| --- | --- |\n| x \\| y z |  |\n"
