"""CITATION.cff, CHANGELOG.md and CONTRIBUTING.md say what the project's own files say."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_citation_names_this_project_with_its_version_and_licence() -> None:
    citation = yaml.safe_load(page("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()
    named = (citation["title"], str(citation["version"]), citation["license"])
    assert named == (PROJECT["name"], PROJECT["version"], PROJECT["license"])


def test_the_changelog_starts_with_what_is_not_released() -> None:
    assert re.findall(r"^## \[(.*?)\]", page("CHANGELOG.md"), re.MULTILINE)[0] == "Unreleased"


@pytest.mark.parametrize("thing", ["backbone", "source", "metric", "route", "warning", "stage", "language"])
def test_contributors_find_a_recipe_for_each_thing_that_can_be_added(thing: str) -> None:
    assert re.search(rf"^### A {thing}\n\n\S", page("CONTRIBUTING.md"), re.MULTILINE)


def test_the_changelog_names_each_new_key_as_params_yaml_has_it() -> None:
    rows = re.findall(r"^ *\| `([\w.]+)` \| `([\w.]+)` \|$", page("CHANGELOG.md"), re.MULTILINE)
    assert rows
    params = yaml.safe_load(page("params.yaml"))
    for old, new in rows:
        assert holds(params, new), new
        assert not holds(params, old), old


def holds(params: object, key: str) -> bool:
    """Whether the settings have the key, written as section.key.key."""
    for part in key.split("."):
        if not isinstance(params, dict) or part not in params:
            return False
        params = params[part]
    return True
