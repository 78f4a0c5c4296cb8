"""What docs/clinic.md shows is what the program reads."""

import re
import shlex
from pathlib import Path

import pytest

from cxr.node.command import command
from cxr.node.network import STORAGE
from tools.orthanc import ROUTING

GUIDE = (Path(__file__).parents[2] / "docs/clinic.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture(params=blocks("yaml"))
def configuration(request, tmp_path) -> Path:
    """node.yaml as the guide has it, with a queue in a folder of the test."""
    file = tmp_path / "node.yaml"
    file.write_text(request.param.replace("/var/lib/cxr-node", str(tmp_path / "queue")))
    return file


def test_every_configuration_is_read(configuration, capsys):
    assert command(["check", "--config", str(configuration)]) == 0
    assert "destinations" in capsys.readouterr().out


def typed(word: str) -> list[str]:
    """The guide's `cxr node` command with this word, without its program."""
    lines = [line for block in blocks("console") for line in block.splitlines() if line.startswith(f"cxr node {word} ")]
    assert lines, word
    return shlex.split(lines[0], comments=True)[2:]


def test_the_commands_of_the_guide_are_understood(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = blocks("yaml")[1].replace("/var/lib/cxr-node", str(tmp_path / "queue"))
    (tmp_path / "node.yaml").write_text(text)
    for word in ("check", "fetch"):
        assert command(typed(word)) == 0
    assert "older" in capsys.readouterr().out
    assert [file.name for file in (tmp_path / "queue" / "fetch").iterdir()] == ["older"]


def test_the_routing_script_is_the_one_that_was_tested():
    assert blocks("lua") == [(ROUTING % {"aet": "CXR_NODE"}).lstrip()]


def test_the_conformance_statement_has_the_classes_that_are_taken_by_default():
    for name in ("CR", "DX", "SC"):
        assert STORAGE[name] in GUIDE
