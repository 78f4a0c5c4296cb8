"""The web client's words and files hold together, checked without a browser."""

import json
import re
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parents[2] / "clients"
WEB = CLIENTS / "web"
LANGUAGES = {"en", "ar"}
SHARED = json.loads((CLIENTS / "texts.json").read_text())
OWN = json.loads((WEB / "words.json").read_text())
SUFFIXES = {".html", ".js", ".css", ".webmanifest", ".svg"}
SOURCES = {path.name: path.read_text() for path in WEB.iterdir() if path.suffix in SUFFIXES}
NOT_SHELL = {"sw.js", "csp.txt", "README.md"}


def test_the_page_has_the_words_that_it_shares_with_the_android_app() -> None:
    copy, source = WEB / "texts.json", CLIENTS / "texts.json"
    assert copy.read_bytes() == source.read_bytes(), "they differ: run `make texts`"


def test_no_id_is_in_both_files_of_words() -> None:
    assert OWN.keys().isdisjoint(SHARED.keys())


@pytest.mark.parametrize("text_id", sorted(OWN))
def test_every_text_is_in_every_language_with_the_same_placeholders(text_id: str) -> None:
    assert OWN[text_id].keys() == LANGUAGES
    assert all(text.strip() for text in OWN[text_id].values())
    placeholders = [sorted(re.findall(r"\{(\w+)\}", text)) for text in OWN[text_id].values()]
    assert placeholders[0] == placeholders[1]


def test_every_word_that_the_page_asks_for_exists() -> None:
    asked = {name for text in SOURCES.values() for name in re.findall(r'(?:data-text=|\bt\(|\[)"([a-z]+\.\w+)"', text)}
    assert len(asked) > 30
    assert asked - OWN.keys() - SHARED.keys() - {"texts.json", "words.json"} == set()


def test_no_word_of_the_page_is_unused() -> None:
    everything = "\n".join(SOURCES.values())
    prefixes = ("status.", "service.")  # these ids are put together from a state
    assert [name for name in OWN if name not in everything and not name.startswith(prefixes)] == []


def test_the_states_refusals_and_errors_of_the_contract_have_words() -> None:
    of_status = ["bad_request", "unauthorised", "too_large", "not_a_picture", "invalid_field", "overloaded", "server"]
    errors = [*of_status, "no_network", "timeout", "broken_answer"]
    wanted = ["state.COVID", "state.NonCOVID", "state.Refused", "disclaimer", *(f"error.{code}" for code in errors)]
    assert [name for name in wanted if name not in SHARED] == []


def test_nothing_on_the_page_names_another_host() -> None:
    namespace = "http://www.w3.org/2000/svg"  # an XML name, never fetched
    for name, text in SOURCES.items():
        assert re.findall(r"""(?:https?:)?//[\w-]+\.[\w.-]+""", text.replace(namespace, "")) == [], name


def test_the_page_has_no_inline_script_or_style() -> None:
    html = SOURCES["index.html"]
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", html) == []
    for name, text in SOURCES.items():
        assert re.findall(r"(inner|outer)HTML|AdjacentHTML|document\.write|\beval\(|new Function", text) == [], name


def test_the_policy_allows_this_origin_only() -> None:
    policy = (WEB / "csp.txt").read_text()
    assert policy.splitlines() == [policy.rstrip("\n")], "one line: it is a header's value"
    directives = dict(part.strip().partition(" ")[::2] for part in policy.strip().split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["connect-src"] == "'self'"
    assert re.findall(r"unsafe|http|\*", policy) == []


def test_the_service_worker_keeps_exactly_the_files_of_the_page() -> None:
    listed = re.search(r"const SHELL = \[(.*?)\]", SOURCES["sw.js"], re.S)
    names = set(re.findall(r'"([^"]+)"', listed.group(1)))
    there = {path.name for path in WEB.iterdir()} - NOT_SHELL
    assert {"index.html" if name == "./" else name for name in names} == there


def test_the_manifests_icons_exist() -> None:
    manifest = json.loads((WEB / "manifest.webmanifest").read_text())
    assert all((WEB / icon["src"]).is_file() for icon in manifest["icons"])
    assert {icon["sizes"] for icon in manifest["icons"]} >= {"192x192", "512x512"}
