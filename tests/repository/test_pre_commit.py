"""The hooks of .pre-commit-config.yaml are the commands of `make check`, run without a network."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
IN_VENV = ".venv/bin/"
# What a hook adds to the command of `make check`: a commit must not wait for a network.
ADDED = {"uv lock --check --quiet": "uv lock --check --quiet --offline"}


def hooks() -> list[dict[str, Any]]:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    return [hook for repository in config["repos"] for hook in repository["hooks"]]


def commands_of_make_check() -> list[str]:
    """The lines below `check:`, as a person would type them in the environment."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", text, re.MULTILINE)
    assert recipe
    lines = [line.strip() for line in recipe[1].splitlines()]
    return [line.replace("$(in-env) ", "").replace("$(UV)", "uv") for line in lines]


def test_the_hooks_run_the_commands_of_make_check_in_its_order() -> None:
    expected = [ADDED.get(command, command) for command in commands_of_make_check()]
    assert [hook["entry"].removeprefix(IN_VENV) for hook in hooks()] == expected


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_a_hook_runs_what_is_installed_over_the_whole_project(hook: dict[str, Any]) -> None:
    assert hook["entry"].startswith(IN_VENV)
    assert hook["language"] == "system"
    assert hook["always_run"] is True
    assert hook["pass_filenames"] is False


def test_no_hook_comes_from_elsewhere() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert {repository["repo"] for repository in config["repos"]} == {"local"}
