"""Few modules at the top, short modules, short functions, and packages that say what they are."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("cxr", "serving", "stages", "tools", "benchmarks")
MOST_MODULES_AT_THE_TOP = 3
LONGEST_MODULE = 300
LONGEST_FUNCTION = 40


def files() -> list[Path]:
    return sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))


def packages() -> list[Path]:
    return sorted((ROOT / "cxr").rglob("__init__.py"))


def too_long(modules: list[Path]) -> dict[str, int]:
    """Lines of every module that has more than it may have, by its path in the repository."""
    lengths = {
        file.relative_to(ROOT).as_posix(): len(file.read_text(encoding="utf-8").splitlines()) for file in modules
    }
    return {path: lines for path, lines in lengths.items() if lines > LONGEST_MODULE}


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """Name and lines of every function, its docstring and what is inside it included."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_few_modules_lie_directly_in_the_library() -> None:
    top = sorted(file.name for file in (ROOT / "cxr").glob("*.py"))
    assert len(top) <= MOST_MODULES_AT_THE_TOP, top


def test_no_module_is_too_long() -> None:
    assert too_long(files()) == {}


def test_no_test_module_is_too_long() -> None:
    found = too_long(sorted((ROOT / "tests").rglob("*.py")))
    assert found == {}


def test_no_function_is_too_long() -> None:
    found = [(str(file.relative_to(ROOT)), *function) for file in files() for function in functions(file)]
    assert [place for place in found if place[2] > LONGEST_FUNCTION] == []


@pytest.mark.parametrize("package", packages(), ids=lambda file: file.parent.relative_to(ROOT).as_posix())
def test_a_package_opens_with_a_docstring(package: Path) -> None:
    assert ast.get_docstring(ast.parse(package.read_text(encoding="utf-8")))
