"""Copies the sentences of clients/texts.json to where the service, the page and the Android app read them.

    python tools/client_texts.py            write the copies
    python tools/client_texts.py --check    only say which copies are out of date; exit status 1 if one is

A change of words is made in clients/texts.json alone; `make texts` does the rest.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ROOT / "clients" / "texts.json"
PAGE = ROOT / "clients" / "web" / "texts.json"
SERVICE = ROOT / "cxr" / "inference" / "sentences.py"
APP = {
    language: ROOT / "clients" / "android" / "app" / "src" / "main" / "res" / folder / "strings.xml"
    for language, folder in {"en": "values", "ar": "values-ar"}.items()
}
SERVICE_KINDS = ("disclaimer", "warning.", "refusal.", "error.")  # what Python code says, in English
Texts = Mapping[str, Mapping[str, str]]  # text id to language to text

_SERVICE_HEAD = '''"""The sentences that the service and the clients share, in English. `make texts` writes this file.

Do not edit it: change clients/texts.json.
"""
# ruff: noqa: E501

SENTENCES = {
'''
_APP_BLOCK = re.compile(
    r"(?<=    <!-- `make texts` writes these from clients/texts.json. -->\n)"
    r".*?(?=\n    <!-- Words that only this app needs. -->)",
    re.DOTALL,
)


def read_texts() -> Texts:
    """The catalogue: text id to language to text."""
    texts: Texts = json.loads(TEXTS.read_text(encoding="utf-8"))
    return texts


def copies(texts: Texts) -> dict[Path, str]:
    """Each copy's file and what it has to hold for the catalogue `texts`."""
    page = {PAGE: json.dumps(texts, ensure_ascii=False, indent=2) + "\n"}
    service = {SERVICE: service_module(texts)}
    app = {path: app_resources(path.read_text(encoding="utf-8"), texts, language) for language, path in APP.items()}
    return page | service | app


def service_sentences(texts: Texts) -> dict[str, str]:
    """What the service says: text id to English sentence."""
    return {text_id: text["en"] for text_id, text in texts.items() if text_id.startswith(SERVICE_KINDS)}


def service_module(texts: Texts) -> str:
    """The Python module that the service imports: code travels in the wheel, the bento and a workspace alike."""
    sentences = service_sentences(texts).items()
    lines = [f"    {_quoted(text_id)}: {_quoted(sentence)},\n" for text_id, sentence in sentences]
    return _SERVICE_HEAD + "".join(lines) + "}\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def app_resources(old: str, texts: Texts, language: str) -> str:
    """The text `old` of a strings.xml with its shared block made anew."""
    lines = [_app_string(text_id, text[language]) for text_id, text in texts.items()]
    new, count = _APP_BLOCK.subn(lambda _: "".join(lines), old)
    if count != 1:
        raise ValueError(f"strings.xml has {count} blocks of shared words; it needs one, between its two comments")
    return new


def _app_string(text_id: str, text: str) -> str:
    shown = escape(text).replace("'", r"\'").replace('"', r"\"")
    return f'    <string name="{resource_name(text_id)}">{shown}</string>\n'


def resource_name(text_id: str) -> str:
    """The Android name of a text, as TextIds.resourceName makes it."""
    return text_id.replace(".", "_").lower()


def stale(texts: Texts) -> list[Path]:
    """The copies that differ from what `texts` asks for, by their path in the repository."""
    wanted = copies(texts).items()
    return [path.relative_to(ROOT) for path, text in wanted if _current(path) != text]


def _current(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a copy is out of date")
    arguments = parser.parse_args()
    texts = read_texts()
    differing = stale(texts)
    for path in differing:
        print(f"{path} is out of date; run `make texts`" if arguments.check else f"{path} is written anew")
    if arguments.check:
        sys.exit(1 if differing else 0)
    for path, text in copies(texts).items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
