"""The web page and the Android app take the words they share from one file, clients/texts.json."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tools.client_texts import copies, main, read_texts, stale

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


def test_no_copy_of_the_shared_texts_is_out_of_date() -> None:
    assert stale(read_texts()) == [], "run `make texts`"


ADDED = {"en": 'The toy isn\'t sure: <1 "or" >2 & more.', "ar": "اللعبة غير متأكدة."}


def test_an_added_text_reaches_the_service_the_page_and_both_languages_of_the_app() -> None:
    texts = copies({**read_texts(), "warning.toy": ADDED})
    by_name = {path.relative_to(CLIENTS.parent).as_posix(): text for path, text in texts.items()}
    assert len(by_name) == 4
    assert json.loads(by_name["clients/web/texts.json"])["warning.toy"] == ADDED
    module: dict[str, dict[str, str]] = {}
    exec(by_name["cxr/inference/sentences.py"], module)
    assert module["SENTENCES"]["warning.toy"] == ADDED["en"]
    for language, folder in FOLDERS.items():
        resources = ElementTree.fromstring(by_name[f"clients/android/app/src/main/res/{folder}/strings.xml"].encode())
        said = {item.attrib["name"]: unescaped(item.text or "") for item in resources.iter("string")}
        assert said["warning_toy"] == ADDED[language]
        assert said.keys() - {"warning_toy"} == android_texts(folder).keys()


def test_what_only_the_clients_say_stays_out_of_the_service() -> None:
    added = copies({**read_texts(), "action.toy": ADDED})
    assert [path.name for path, text in added.items() if "toy" not in text] == ["sentences.py"]


def test_an_added_text_makes_every_copy_stale_until_they_are_written() -> None:
    assert len(stale({**read_texts(), "error.toy": ADDED})) == 4


def test_the_check_writes_nothing_and_says_what_to_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = read_texts()
    catalogue = tmp_path / "texts.json"
    catalogue.write_text(json.dumps({**usual, "error.toy": ADDED}), encoding="utf-8")
    monkeypatch.setattr("tools.client_texts.TEXTS", catalogue)
    monkeypatch.setattr("sys.argv", ["client_texts.py", "--check"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().out.count("run `make texts`") == 4
    assert stale(usual) == []
