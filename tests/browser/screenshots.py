"""Pictures of the page's main states for docs/screenshots: python -m tests.browser.screenshots

The X-ray in them is drawn by pictures.py; the answers are the stand-in's, not a model's.
"""

import io
import threading
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from .chromium import chromium_path, launch
from .desk import choose, headline, open_page, png, row, words
from .pictures import blank_png
from .server import Reply, StandIn, answer, error, refusal

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
LARGEST_BYTES = 150_000
DESKTOP = {"viewport": {"width": 1360, "height": 900}}
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 1.25, "has_touch": True, "is_mobile": True}
FLAGGED = ("shortcut_flagged", "near_threshold")


def one_answer(page: Page, service: StandIn) -> None:
    service.plan(answer(p_covid=0.871, threshold=0.42, warnings=("shortcut_flagged",), explain=True))
    open_page(page, service.url)
    choose(page, png("IM-0001 PA.png", width=900, height=900))
    expect(page.locator(".heatmap")).to_be_visible()


def worklist(page: Page, service: StandIn) -> None:
    replies = [
        answer(0.93, warnings=FLAGGED[:1], explain=True),
        answer(0.06, explain=True),
        refusal("inverted"),
        answer(0.31, warnings=FLAGGED, explain=True),
        error(413, "too_large"),
    ]
    names = ["Ward 3 bed 2.png", "Ward 3 bed 5.png", "Export 7.png", "Outpatient 14 AP supine.png", "Scan 600 dpi.png"]
    open_page(page, service.url)
    for seed, (reply, name) in enumerate(zip(replies, names, strict=True)):
        service.plan(reply)
        choose(page, png(name, seed=seed, width=700, height=700))
        expect(page.locator("#detail .waiting")).to_have_count(0)
    row(page, names[0]).get_by_role("button").first.click()
    expect(page.locator(".heatmap")).to_be_visible()


def in_progress(page: Page, service: StandIn) -> None:
    gate = threading.Event()  # never set: that answer does not come
    service.plan(answer(0.06), error(503, "overloaded", Retry_After="60"), Reply(body=answer(), hold=gate))
    open_page(page, service.url)
    choose(page, png("Ward 3 bed 2.png"))
    expect(headline(page)).to_have_text(words("state.NonCOVID"))
    for name in ("Ward 3 bed 5.png", "Outpatient 14.png", "Outpatient 15.png"):
        choose(page, png(name))
    row(page, "Outpatient 14.png").get_by_role("button").first.click()
    expect(page.locator(".panel .note")).to_have_text(words("status.slow"), timeout=15_000)


def refused(page: Page, service: StandIn) -> None:
    service.plan(refusal("blank"))
    open_page(page, service.url)
    choose(page, {"name": "Test exposure.png", "mimeType": "image/png", "buffer": blank_png()})
    expect(headline(page)).to_have_text(words("state.Refused"))


def service_down(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    expect(page.locator("#service-state")).to_have_text(words("service.ready"))
    service.stop()
    choose(page, png("IM-0001 PA.png", width=900, height=900))
    expect(page.locator("#service-state")).to_have_text(words("service.unreachable"))
    service.start()


def dicom(page: Page, service: StandIn) -> None:
    service.plan(answer(p_covid=0.06, explain=True))
    open_page(page, service.url)
    choose(page, {"name": "IM0001.dcm", "mimeType": "application/dicom", "buffer": b"\0" * 128 + b"DICM"})
    expect(page.locator(".heatmap")).to_be_visible()


def empty(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    expect(page.locator("#service-state")).to_have_text(words("service.ready"))


def arabic(page: Page, service: StandIn) -> None:
    one_answer(page, service)
    page.locator("#language").click()


SHOTS: dict[str, tuple[Callable[[Page, StandIn], None], dict, bool]] = {  # name: state, context, whole page
    "desktop-empty": (empty, DESKTOP, False),
    "desktop-answer": (one_answer, DESKTOP, False),
    "desktop-worklist": (worklist, DESKTOP, False),
    "desktop-worklist-dark": (worklist, {**DESKTOP, "color_scheme": "dark"}, False),
    "desktop-in-progress": (in_progress, DESKTOP, False),
    "desktop-refused": (refused, DESKTOP, False),
    "desktop-service-down": (service_down, DESKTOP, False),
    "desktop-dicom": (dicom, DESKTOP, False),
    "desktop-arabic": (arabic, DESKTOP, False),
    "phone-empty": (empty, PHONE, True),
    "phone-answer": (one_answer, PHONE, True),
    "phone-answer-dark": (one_answer, {**PHONE, "color_scheme": "dark"}, True),
    "phone-worklist": (worklist, PHONE, True),
}


def take(browser: Browser, name: str, state: Callable[[Page, StandIn], None], options: dict, whole_page: bool) -> None:
    with StandIn() as service:
        context = browser.new_context(locale="en-GB", reduced_motion="reduce", **options)
        page = context.new_page()
        state(page, service)
        page.wait_for_timeout(300)
        page.evaluate("scrollTo(0, 0)")
        if whole_page:  # not Playwright's full_page, which takes the touch screen away while it shoots
            height = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": options["viewport"]["width"], "height": height})
        save(name, page.screenshot())
        context.close()


def take_print(browser: Browser) -> None:
    """The printed sheet, A4 at 96 dpi."""
    with StandIn() as service:
        page = browser.new_page(locale="en-GB", viewport={"width": 688, "height": 1017})  # A4 less the margins
        worklist(page, service)
        page.emulate_media(media="print")
        page.wait_for_timeout(300)
        save("desktop-print", page.screenshot())
        page.context.close()


def save(name: str, screenshot: bytes) -> None:
    """As a palette PNG, which is small and looks the same."""
    picture = Image.open(io.BytesIO(screenshot)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    path = FOLDER / f"{name}.png"
    picture.save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.name}: {size // 1000} kB")
    if size > LARGEST_BYTES:
        raise SystemExit(f"{path.name} has {size} bytes; at most {LARGEST_BYTES} are wanted in the repository")


def main() -> None:
    path = chromium_path()
    if path is None:
        raise SystemExit("no Chromium: set CXR_CHROMIUM, or install Debian's package chromium")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright, path)
        for name, (state, options, whole_page) in SHOTS.items():
            take(browser, name, state, options, whole_page)
        take_print(browser)
        browser.close()


if __name__ == "__main__":
    main()
