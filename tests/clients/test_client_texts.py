"""The web page and the Android app take the words they share from one file, clients/texts.json."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parents[2] / "clients"
ANDROID = CLIENTS / "android/app/src/main"
FOLDERS = {"en": "values", "ar": "values-ar"}
FORMAT = re.compile(r"%(?:\d+\$)?[sd]")


def shared_texts() -> dict[str, dict[str, str]]:
    return json.loads((CLIENTS / "texts.json").read_text(encoding="utf-8"))


def android_resources(folder: str) -> ElementTree.Element:
    return ElementTree.parse(ANDROID / "res" / folder / "strings.xml").getroot()


def unescaped(text: str) -> str:
    """What Android shows for the text of a <string>."""
    return re.sub(r"\\(['\"])", r"\1", text)


def android_texts(folder: str) -> dict[str, str]:
    return {item.attrib["name"]: unescaped(item.text or "") for item in android_resources(folder).iter("string")}


def resource_name(text_id: str) -> str:
    return text_id.replace(".", "_").lower()


@pytest.mark.parametrize("language", FOLDERS)
def test_the_app_says_the_shared_words(language: str) -> None:
    android = android_texts(FOLDERS[language])
    shared = {resource_name(text_id): texts[language] for text_id, texts in shared_texts().items()}
    differing = {name: (text, android.get(name)) for name, text in shared.items() if android.get(name) != text}
    assert not differing, f"res/{FOLDERS[language]}/strings.xml differs from clients/texts.json (wanted, found)"


@pytest.mark.parametrize("text_id", shared_texts())
def test_every_shared_text_exists_in_every_language_and_only_there(text_id: str) -> None:
    texts = shared_texts()[text_id]
    assert set(texts) == set(FOLDERS)
    assert all(text == text.strip() != "" for text in texts.values())
    assert re.search(r"[\u0600-\u06FF]", texts["ar"]), "the Arabic text has no Arabic letter"


def test_ids_stay_distinct_as_resource_names() -> None:
    names = [resource_name(text_id) for text_id in shared_texts()]
    assert len(names) == len(set(names))


def test_every_text_of_the_app_is_translated() -> None:
    english = {
        item.attrib["name"] for item in android_resources("values") if item.attrib.get("translatable") != "false"
    }
    arabic = {item.attrib["name"] for item in android_resources("values-ar")}
    assert english == arabic


def test_translations_take_the_same_arguments() -> None:
    english, arabic = android_texts("values"), android_texts("values-ar")
    for name, text in arabic.items():
        assert sorted(FORMAT.findall(text)) == sorted(FORMAT.findall(english[name])), name


def test_every_failure_has_a_sentence() -> None:
    source = (ANDROID / "java/org/covidcxr/app/client/Failure.java").read_text(encoding="utf-8")
    text_ids = re.findall(r'^ {4}[A-Z_]+\("([a-z_.]+)"\)', source, re.MULTILINE)
    assert len(text_ids) > 10
    assert {resource_name(text_id) for text_id in text_ids} <= set(android_texts("values"))
    shared_errors = {text_id for text_id in shared_texts() if text_id.startswith("error.")}
    assert shared_errors == {text_id for text_id in text_ids if text_id.startswith("error.")}
