"""The report in a real browser: on a phone, in the dark, for a screen reader, on paper."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser.conftest import DESKTOP, PHONE
from tests.report.conftest import Made

pytestmark = pytest.mark.browser
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def address(made: Made, tmp_path: Path) -> str:
    page = tmp_path / "report.html"
    page.write_text(made.report, encoding="utf-8")
    return page.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    browser: Browser,
    address: str,
    size: dict,
    scheme: str,
) -> None:
    with browser.new_context(**size, color_scheme=scheme) as context:
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        found = Axe().run(page, options=RULES).response
    assert found["passes"]
    assert [f"{rule['id']}: {node['html'][:200]}" for rule in found["violations"] for node in rule["nodes"]] == []


def test_on_paper_it_is_black_on_white_and_no_table_is_cut_off(browser: Browser, address: str) -> None:
    with browser.new_context(viewport={"width": 794, "height": 1123}, color_scheme="dark") as context:
        page = context.new_page()
        page.goto(address)
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert len(page.pdf(format="A4")) > 10_000
