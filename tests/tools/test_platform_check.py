import re
import tomllib
from pathlib import Path

import pytest

from tools.platform_check import FIRST, LAST, complaint

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("system", "machine"),
    [("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64"), ("Windows", "AMD64")],
)
def test_where_it_runs_nothing_is_said(system: str, machine: str) -> None:
    assert complaint(system, machine, FIRST) is None
    assert complaint(system, machine, LAST) is None


def test_an_intel_mac_is_told_which_packages_it_lacks() -> None:
    assert "OpenVINO and TensorFlow have no packages" in str(complaint("Darwin", "x86_64", LAST))


@pytest.mark.parametrize("version", [(3, 10), (3, 14), (2, 7)])
def test_another_python_is_told_which_one_to_take(version: tuple[int, int]) -> None:
    assert str(complaint("Linux", "x86_64", version)).endswith("it takes 3.11 to 3.13: make PYTHON=python3.12")


def test_every_place_names_the_same_pythons() -> None:
    assert PROJECT["project"]["requires-python"] == f">=3.{FIRST[1]},<3.{LAST[1] + 1}"
    for name in ("README.md", "CONTRIBUTING.md"):
        found = re.findall(r"You need Python ([0-9.]+) to ([0-9.]+)", (ROOT / name).read_text(encoding="utf-8"))
        assert found == [(f"3.{FIRST[1]}", f"3.{LAST[1]}")], name


def test_the_lock_holds_for_the_platforms_of_the_readme() -> None:
    uv = PROJECT["tool"]["uv"]
    assert uv["environments"] == uv["required-environments"]
    rows = re.findall(r"^\| (\S.*?) \| ", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"Linux, x86-64", "Linux, arm64", "macOS, Apple silicon", "macOS, Intel", "Windows, x86-64"} <= set(rows)
    markers = [marker.replace("'", "").split() for marker in uv["environments"]]
    assert {(words[2], words[-1]) for words in markers} == {
        ("linux", "x86_64"),
        ("linux", "aarch64"),
        ("darwin", "arm64"),
        ("win32", "AMD64"),
    }
