"""Every command in the pages is one that there is, with options that it has."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.pages import PAGES, ROOT, TUTORIALS, commands, lines
from tools import docs_commands

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+)(?: [a-z-]+)*:", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"^(?:[a-z-]+: |override |export )?([A-Z_]+) \??:?=", MAKEFILE, re.MULTILINE))
# What a tutorial may use besides: part of every Unix, of an activated environment, or of the project's.
PROGRAMS = {
    "bentoml",
    "cd",
    "curl",
    "cut",
    "cxr",
    "dvc",
    "export",
    "grep",
    "head",
    "make",
    "mkdir",
    "python",
    "source",
    "wc",
}


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def typed(page: Path) -> list[list[str]]:
    return [words for line in lines(page) for words in commands(line)]


@cache
def help_texts() -> list[tuple[str, str]]:
    """Command, such as "site commission", and its help."""
    return re.findall(
        r"^## cxr ([^\n]+)\n\n```text\n(.*?)^```", docs_commands.command_line_page(), re.MULTILINE | re.DOTALL
    )


def known_to_cxr(command: str) -> set[str]:
    """The words in the help of a command of `cxr` and of its subcommands."""
    texts = [text for title, text in help_texts() if title.partition(" ")[0] == command]
    assert texts, f"there is no `cxr {command}`"
    return set(re.findall(r"[\w-]+", " ".join(texts)))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_what_make_is_asked_for_is_there(page: Path) -> None:
    for words in (words for words in typed(page) if words[0] == "make"):
        for word in words[1:]:
            variable, equals, _ = word.partition("=")
            assert (variable in VARIABLES) if equals else (word in TARGETS), " ".join(words)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_options_of_cxr_are_those_that_it_has(page: Path) -> None:
    for words in (words for words in typed(page) if words[0] == "cxr" and not words[1].startswith("-")):
        options = {word.partition("=")[0] for word in words[2:] if word.startswith("--")}
        assert options <= known_to_cxr(words[1]), " ".join(words)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_modules_and_scripts_that_python_runs_are_there(page: Path) -> None:
    for words in (words for words in typed(page) if words[0] == "python" and len(words) > 1):
        path = f"{words[2].replace('.', '/')}.py" if words[1] == "-m" else words[1]
        package = path.removesuffix(".py")
        there = (ROOT / path).is_file() or (ROOT / package / "__main__.py").is_file()
        assert there or package.partition("/")[0] not in ("tools", "benchmarks", "cxr"), " ".join(words)


@pytest.mark.parametrize("page", TUTORIALS, ids=named)
def test_a_tutorial_needs_nothing_but_the_project_and_a_shell(page: Path) -> None:
    used = {words[0] for words in typed(page)}
    assert used <= PROGRAMS | {"xargs"}
    assert used & {"make", "cxr"}


def test_pipes_variables_and_comments_are_told_apart() -> None:
    found = list(commands("A=1 cxr predict 'a b' | head -1 && make demo  # all"))
    assert found == [["cxr", "predict", "a b"], ["head", "-1"], ["make", "demo"]]
