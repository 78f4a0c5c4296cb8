"""The tables of docs/deployment.md against the files and the service that they describe."""

import re
from dataclasses import fields

import yaml

from serving.settings import Settings
from tests.deploy.programs import DEPLOY, ROOT
from tools import stack

PAGE = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
COMPOSE = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def shown(default: object) -> str:
    return "" if default in ("", ()) else f"`{default}`"


def test_every_setting_of_the_service_stands_there_with_its_default():
    told = [(name, default) for name, default, *_ in rows("Settings of the service")]
    assert told == [(f"`{item.metadata['variable']}`", shown(item.default)) for item in fields(Settings)]


def test_where_a_setting_of_the_service_is_set_is_said_as_it_is():
    replica = yaml.safe_load(COMPOSE)["services"]["service-1"]["environment"]
    for name, _, where, value in rows("Settings of the service"):
        assert where.startswith("yes") == (name.strip("`") in replica), name
        assert value, name


def test_every_setting_of_the_stack_stands_there_with_its_default():
    told = {}
    for names, default, _ in rows("Settings of the stack"):
        told |= dict.fromkeys(re.findall(r"`(\w+)`", names), default.strip("`"))
    named = re.findall(r"\$\{(\w+):([-?])([^}]*)\}", COMPOSE)
    used = {name: "made" if sign == "?" else default for name, sign, default in named}
    of_the_service = {item.metadata["variable"] for item in fields(Settings)}
    made = {*stack.PASSWORDS, *(f"{name}_{part}" for name in stack.S3_KEYS for part in ("KEY", "SECRET"))}
    expected = {name: default for name, default in used.items() if name not in of_the_service}
    assert told == expected | dict.fromkeys(made, "made")


def test_every_alert_stands_there():
    groups = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert [name.strip("`") for name, *_ in rows("Watching")] == [rule["alert"] for rule in rules]


def test_the_ports_and_the_limit_are_those_of_the_files():
    published = dict(re.findall(r"\$\{(\w+_PORT):-(\d+)\}:\d+", COMPOSE))
    assert set(re.findall(r"https://HOST:(\d+)`", PAGE)) >= set(published.values())
    assert f"{Settings().max_body:,} bytes" in PAGE


def test_the_make_target_is_there():
    assert re.search(r"^stack:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
