"""docs/dependencies.md against pyproject.toml and the tree."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
GROUPS = {"What answers": PROJECT["dependencies"]} | {
    f"Extra `{extra}`": requirements for extra, requirements in PROJECT["optional-dependencies"].items()
}


def rows_of(heading: str) -> list[list[str]]:
    """The cells of the table under a heading that begins so, without its head."""
    section = next(part for part in re.split(r"^## ", TEXT, flags=re.MULTILINE) if part.startswith(heading))
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def bound_of(requirement: str) -> tuple[str, str]:
    """ "numpy>=2.2" as ("numpy", "2.2")."""
    found = re.fullmatch(r"([a-z0-9-]+)(?:\[[a-z,]+\])?>=([0-9.]+)", requirement)
    assert found, f"{requirement} has no plain lower bound"
    return found[1], found[2]


@pytest.mark.parametrize("heading", GROUPS)
def test_every_dependency_is_named_once_with_its_lower_bound(heading: str) -> None:
    named = [(name, bound.partition(":")[0]) for name, *_, bound in rows_of(heading)]
    assert sorted(named) == sorted(map(bound_of, GROUPS[heading]))


@pytest.mark.parametrize("heading", [*GROUPS, "Written here"])
def test_no_cell_of_the_tables_is_empty(heading: str) -> None:
    rows = rows_of(heading)
    assert rows
    assert len({len(row) for row in rows}) == 1
    assert all(cell for row in rows for cell in row)


def test_every_lower_bound_has_its_reason() -> None:
    bounds = [row[-1] for heading in GROUPS for row in rows_of(heading)]
    assert all(bound.partition(": ")[2] for bound in bounds)


def test_what_is_written_here_is_there() -> None:
    for _, where, _ in rows_of("Written here"):
        assert (ROOT / where.strip("`")).is_file(), where
