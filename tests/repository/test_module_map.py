"""The module map of docs/architecture.md is the tree: every module once, every import said, no path that is gone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/architecture.md"
CODE = ("cxr", "serving", "stages", "tools", "benchmarks")
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "data/README.md", *ROOT.glob("clients/*/README.md")]
)
# A path from the project's root in backticks; `tests/…/*.py` and other patterns are left to their own readers.
PATH = re.compile(r"`((?:cxr|serving|stages|tools|benchmarks|tests|clients|params|docs)/[\w./-]*[\w/])`")


def packages() -> list[str]:
    """Every package directly in cxr/, by name."""
    return sorted(init.parent.name for init in (ROOT / "cxr").glob("*/__init__.py"))


def modules() -> list[str]:
    """Every module of cxr/, as a path within it; what an __init__.py holds is said of its package."""
    found = (file.relative_to(ROOT / "cxr") for file in (ROOT / "cxr").rglob("*.py"))
    return sorted(path.as_posix() for path in found if path.name != "__init__.py")


def sections() -> dict[str, str]:
    """The text of each package's section, by the package's name; `cli.py` has one too."""
    text = PAGE.read_text(encoding="utf-8")
    titles = list(re.finditer(r"^### `cxr/([\w.]+)/?`\n", text, re.MULTILINE))
    ends = [title.start() for title in titles[1:]] + [text.index("## Glossary")]
    return {title[1]: text[title.end() : end] for title, end in zip(titles, ends, strict=True)}


def listed() -> list[str]:
    """The modules that the map names, in its order, each as often as it does."""
    names = []
    for package, text in sections().items():
        rows = re.findall(r"^\| `([\w/]+\.py)` \| \S", text, re.MULTILINE)
        names += [f"{package}/{row}" for row in rows] if rows else [package]
    return names


def imported_by(package: str) -> set[str]:
    """The other packages of cxr that the package's files import, inside functions too."""
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "cxr" / package).rglob("*.py"))
    names = (name for tree in trees for node in ast.walk(tree) for name in imported_names(node))
    parts = [name.split(".") for name in names]
    return {part[1] for part in parts if part[0] == "cxr" and len(part) > 1} - {package}


def imported_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module == "cxr":
        yield from (f"cxr.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.module or ""


def said_to_be_imported(package: str) -> list[str]:
    """The packages after "Imports" in the package's section."""
    sentence = re.search(r"Imports\s+(.*?)\.\s", sections()[package], re.DOTALL)
    assert sentence, f"docs/architecture.md: the section of cxr/{package}/ has no sentence that starts with Imports"
    return re.findall(r"`(\w+)`", sentence[1])


def test_the_map_names_every_module_once_and_none_that_is_gone() -> None:
    assert sorted(listed()) == modules()


def test_every_package_has_its_section() -> None:
    assert sorted(name for name in sections() if not name.endswith(".py")) == packages()


@pytest.mark.parametrize("package", packages())
def test_a_section_says_which_packages_are_imported(package: str) -> None:
    assert set(said_to_be_imported(package)) == imported_by(package)


@pytest.mark.parametrize("package", packages())
def test_a_package_imports_only_packages_that_stand_before_it(package: str) -> None:
    order = list(sections())
    assert {name for name in imported_by(package) if order.index(name) > order.index(package)} == set()


@pytest.mark.parametrize("folder", CODE)
def test_every_folder_of_code_stands_in_the_table_of_folders(folder: str) -> None:
    assert f"\n| `{folder}/` |" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_paths_that_a_page_names_exist(page: Path) -> None:
    named = set(PATH.findall(page.read_text(encoding="utf-8")))
    gone = sorted(path for path in named if not (ROOT / path).exists() and not (page.parent / path).exists())
    assert gone == []
