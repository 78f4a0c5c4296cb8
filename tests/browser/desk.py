"""What a person does and sees on the page, so that the tests read like that."""

import json
from pathlib import Path

from playwright.sync_api import Locator, Page

from .pictures import chest_png

WEB = Path(__file__).parents[2] / "clients" / "web"
TEXTS = json.loads((WEB / "texts.json").read_text()) | json.loads((WEB / "words.json").read_text())


def words(text_id: str, language: str = "en", **values: object) -> str:
    text = TEXTS[text_id][language]
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def png(name: str, seed: int = 0, width: int = 480, height: int = 480) -> dict:
    return {"name": name, "mimeType": "image/png", "buffer": chest_png(width, height, seed)}


def open_page(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name=words("intake.choose")).wait_for()


def choose(page: Page, *files: dict) -> None:
    page.set_input_files("#file-input", list(files))


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("button", name=name, exact=True))


def headline(page: Page) -> Locator:
    return page.locator("#detail .headline")


def drop(page: Page, name: str, content: bytes, mime: str) -> None:
    _hand_over(page, "drop", "dataTransfer", name, content, mime)


def paste(page: Page, name: str, content: bytes, mime: str) -> None:
    _hand_over(page, "paste", "clipboardData", name, content, mime)


def _hand_over(page: Page, event: str, field: str, name: str, content: bytes, mime: str) -> None:
    page.evaluate(
        """([event, field, name, content, mime]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(content)], name, {type: mime}));
            const made = event === "drop"
              ? new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true})
              : new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true});
            document.body.dispatchEvent(made);
        }""",
        [event, field, name, list(content), mime],
    )
