"""The words of the glossary in docs/architecture.md: words that were given up do not come back as names."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("cxr", "serving", "stages", "tools", "benchmarks")
# A word that was given up, and the word to write instead.
GIVEN_UP = {
    "made_of": "fingerprint",
    "remembering": "cached_engine",
    "exposures": "photometric",
    "raster": "pillow",
    "keyed_rows": "row_store",
    "standin": "the name of what it stands for",
    "bank": "feature_cache",
    "banks": "feature_caches",
}
# `side` alone meant a split and a length. Parts of longer names, such as `one_sided`, mean neither.
LENGTH_OR_SPLIT = "side"
# Names that keep an old word, with the reason.
EXCEPTIONS = {
    "decode_raster": "a raster picture as against DICOM, in the field's own sense",
    "raster_size": "a raster picture as against DICOM, in the field's own sense",
}


def trees(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file.relative_to(ROOT), ast.parse(file.read_text(encoding="utf-8"))


def names_made_by(tree: ast.Module) -> Iterator[str]:
    """Every name that a module gives: of functions, classes, parameters, variables, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname


def snake(name: str) -> str:
    """FeatureBank to feature_bank."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def has(name: str, word: str) -> bool:
    """Whether the word is one of the name's words."""
    return f"_{word}_" in f"_{snake(name)}_"


@pytest.mark.parametrize("word", GIVEN_UP)
def test_a_word_that_was_given_up_names_nothing(word: str) -> None:
    named = [f"{file}: {name}" for file, tree in trees(*FOLDERS) for name in names_made_by(tree) if has(name, word)]
    kept = [place for place in named if place.rpartition(" ")[2] not in EXCEPTIONS]
    assert kept == [], f"write {GIVEN_UP[word]}"


@pytest.mark.parametrize("word", GIVEN_UP)
def test_a_word_that_was_given_up_names_no_file(word: str) -> None:
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*") if "__pycache__" not in file.parts]
    assert [str(file.relative_to(ROOT)) for file in files if has(file.stem, word)] == []


def test_a_split_and_an_image_size_are_not_called_side() -> None:
    named = [(str(file), name) for file, tree in trees("cxr", "stages") for name in names_made_by(tree)]
    assert [place for place in named if place[1].strip("_") == LENGTH_OR_SPLIT] == []


def test_no_two_public_classes_of_the_library_share_a_name() -> None:
    classes = Counter(
        node.name
        for _, tree in trees("cxr")
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in classes.items() if count > 1] == []


@pytest.mark.parametrize(
    ("name", "word", "found"),
    [
        ("FeatureBank", "bank", True),
        ("bank_path", "bank", True),
        ("embankment", "bank", False),
        ("what_it_is_made_of", "made_of", True),
    ],
)
def test_a_word_is_found_as_a_whole_word_only(name: str, word: str, found: bool) -> None:
    assert has(name, word) is found


def test_every_word_of_the_glossary_stands_once_and_in_order() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    table = text[text.index("## Glossary") : text.index("## Eight ideas")]
    words = re.findall(r"^\| ([\w -]+) \| \S", table, re.MULTILINE)[1:]
    assert words == sorted(set(words))
    assert {"split", "image size", "view", "augmented view", "feature cache", "backbone", "trunk"} <= set(words)
