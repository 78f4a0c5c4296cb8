"""Draws the PNG icons from clients/web/icon.svg: python -m tests.browser.icons"""

from playwright.sync_api import sync_playwright

from .chromium import chromium_path, launch
from .server import WEB


def main() -> None:
    path = chromium_path()
    if path is None:
        raise SystemExit("no Chromium: set CXR_CHROMIUM, or install Debian's package chromium")
    svg = (WEB / "icon.svg").read_text()
    with sync_playwright() as playwright:
        browser = launch(playwright, path)
        for image_size in (192, 512):
            page = browser.new_page(viewport={"width": image_size, "height": image_size})
            page.set_content(f"<style>body{{margin:0}}svg{{display:block;width:{image_size}px}}</style>{svg}")
            page.screenshot(path=WEB / f"icon-{image_size}.png")
        browser.close()


if __name__ == "__main__":
    main()
