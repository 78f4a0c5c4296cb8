"""The page for everybody: keyboard, screen readers, small screens, dark rooms, Arabic, paper, no HTTPS, no network."""

import threading

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from .chromium import INSECURE_HOST
from .desk import choose, headline, open_page, png, row, words
from .server import WEB, Reply, StandIn, answer, error, refusal

pytestmark = pytest.mark.browser
both_sizes = pytest.mark.parametrize("size", ["desktop", "phone"])
SCHEMES = pytest.mark.parametrize(
    "context_options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], ids=["light", "dark"]
)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response
    assert found["passes"], "axe did not look at anything"
    return [f"{rule['id']}: {node['html']}" for rule in found["violations"] for node in rule["nodes"]]


@both_sizes
@SCHEMES
@pytest.mark.parametrize("language", ["en", "ar"])
def test_axe_finds_nothing_in_the_empty_page(page: Page, service: StandIn, language: str) -> None:
    page.goto(f"{service.url}?lang={language}")
    page.locator("#choose").wait_for()
    page.evaluate("for (const section of document.querySelectorAll('details')) section.open = true")
    expect(page.locator("#about-body dl")).to_be_visible()
    assert violations(page) == []


@both_sizes
@SCHEMES
@pytest.mark.parametrize("language", ["en", "ar"])
def test_axe_finds_nothing_in_the_results(page: Page, service: StandIn, language: str) -> None:
    page.goto(f"{service.url}?lang={language}")
    for p_covid, name in ((0.97, "covid.png"), (0.05, "clear.png")):
        service.plan(answer(p_covid=p_covid, warnings=("shortcut_flagged",), explain=True))
        choose(page, png(name))
        expect(page.locator(".heatmap")).to_be_visible()
        assert violations(page) == []
    service.plan(refusal())
    choose(page, png("refused.png"))
    expect(headline(page)).to_have_text(words("state.Refused", language))
    assert violations(page) == []


@both_sizes
@SCHEMES
@pytest.mark.failing_service
def test_axe_finds_nothing_in_waiting_and_failing(page: Page, service: StandIn) -> None:
    gate = threading.Event()
    service.plan(error(413, "too_large"), Reply(body=answer(), hold=gate), error(503, "overloaded", Retry_After="60"))
    open_page(page, service.url)
    choose(page, png("large.png"))
    expect(headline(page)).to_have_text(words("status.failed"))
    assert violations(page) == []
    choose(page, png("slow.png"))
    expect(headline(page)).to_have_text(words("status.thinking"))
    choose(page, png("busy.png"))
    expect(page.locator(".panel .note")).to_have_text(words("status.pausing_note", attempt=2, attempts=5))
    assert violations(page) == []
    gate.set()


def test_everything_works_with_the_keyboard_alone(page: Page, service: StandIn) -> None:
    service.plan(answer(explain=True), answer(p_covid=0.1, explain=True))
    open_page(page, service.url)

    tab_to(page, page.get_by_role("button", name=words("intake.choose")))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([png("one.png"), png("two.png")])
    expect(page.locator("#summary")).to_have_text(words("results.summary", done=2, total=2))

    tab_to(page, page.get_by_role("button", name="two.png", exact=True))
    page.keyboard.press("Enter")
    expect(page.locator("#detail-title")).to_have_text("two.png")
    expect(page.get_by_role("button", name="two.png", exact=True)).to_have_attribute("aria-current", "true")

    tab_to(page, page.get_by_role("slider"))
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".heatmap")).to_have_css("opacity", "0.55")

    tab_to(page, page.get_by_role("button", name=words("results.csv")), backwards=True)
    with page.expect_download():
        page.keyboard.press("Enter")

    tab_to(page, page.get_by_role("button", name=words("results.remove", name="one.png")), backwards=True)
    page.keyboard.press("Space")
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.get_by_role("button", name="two.png", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=words("intake.choose"))).to_be_focused()


@both_sizes
def test_the_focus_is_always_visible(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    choose(page, png("one.png"))
    expect(headline(page)).to_have_text(words("state.COVID"))
    page.locator("#language").focus()
    seen = 0
    while page.evaluate("document.activeElement !== document.body") and seen < 40:
        page.keyboard.press("Tab")
        outline = page.evaluate("""() => {
            const node = document.activeElement;
            return node === document.body ? "body" : getComputedStyle(node).outlineStyle;
        }""")
        assert outline in ("solid", "body"), page.evaluate("document.activeElement.outerHTML")
        seen += 1
    assert seen > 8


def test_answers_are_spoken_without_moving_the_focus(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    page.locator("#choose").focus()
    choose(page, png("one.png"))
    expect(page.get_by_role("log")).to_contain_text(f"one.png: {words('state.COVID')}, 97.1%")
    expect(page.locator("#choose")).to_be_focused()


@pytest.mark.failing_service
def test_trying_again_by_keyboard_does_not_lose_the_place(page: Page, service: StandIn) -> None:
    service.plan(error(500, "internal"))
    open_page(page, service.url)
    choose(page, png("one.png"))
    page.get_by_role("button", name=words("detail.retry")).press("Enter")
    expect(headline(page)).to_have_text(words("state.COVID"))
    expect(page.locator("#detail-title")).to_be_focused()


@pytest.mark.parametrize("width", [320, 360, 768, 1024, 1920])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_no_width_needs_sideways_scrolling(page: Page, service: StandIn, width: int, language: str) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    service.plan(answer(warnings=("shortcut_flagged",), explain=True))
    page.goto(f"{service.url}?lang={language}")
    choose(page, png("a_very_long_name_without_any_space_" * 4 + ".png"))
    expect(headline(page)).to_have_text(words("state.COVID", language))
    expect(page.locator(".heatmap")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("(box => box.scrollWidth <= box.clientWidth)(document.getElementById('table-scroll'))")


@pytest.mark.parametrize("size", ["phone"])
def test_choosing_a_row_on_a_phone_goes_to_the_answer(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    choose(page, *[png(f"film {n}.png") for n in range(6)])
    expect(page.locator("#rows tr.covid")).to_have_count(6)
    page.get_by_role("button", name="film 4.png", exact=True).tap()
    expect(page.locator("#detail-title")).to_be_focused()
    expect(page.locator("#detail-title")).to_be_in_viewport()


@pytest.mark.parametrize("size", ["phone"])
def test_everything_to_tap_is_large_enough(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    choose(page, png("one.png"))
    expect(page.locator(".heatmap")).to_be_visible()
    small = page.evaluate("""() => [...document.querySelectorAll("button, summary, input[type=range], label.check")]
        .filter((node) => node.checkVisibility())
        .map((node) => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
        .filter(([, box]) => box.height < 40 || box.width < 40).map(([html]) => html)""")
    assert small == []


def test_arabic_reads_from_right_to_left_and_keeps_the_results(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    choose(page, png("one.png"))
    expect(headline(page)).to_have_text(words("state.COVID"))
    page.get_by_role("button", name=words("page.other_language")).click()
    expect(headline(page)).to_have_text(words("state.COVID", "ar"))
    expect(row(page, "one.png")).to_contain_text(words("state.COVID", "ar"))
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.get_by_role("note")).to_have_text(words("disclaimer", "ar"))


def test_the_printed_sheet_has_the_answer_and_the_disclaimer_and_no_controls(page: Page, service: StandIn) -> None:
    service.plan(answer(warnings=("shortcut_flagged",), explain=True))
    open_page(page, service.url)
    choose(page, png("one.png"))
    expect(headline(page)).to_have_text(words("state.COVID"))
    page.emulate_media(media="print")
    for shown in (".headline", ".disclaimer", ".warnings", ".heatmap", "#rows tr"):
        expect(page.locator(shown)).to_be_visible()
    for hidden in ("#choose", "#csv", "#language", ".heatmap-controls", ".remove"):
        expect(page.locator(hidden)).to_be_hidden()


def test_the_print_button_prints(page: Page, service: StandIn) -> None:
    page.add_init_script("window.print = () => { document.body.dataset.printed = 'yes'; }")
    open_page(page, service.url)
    choose(page, png("one.png"))
    page.get_by_role("button", name=words("results.print")).click()
    expect(page.locator("body")).to_have_attribute("data-printed", "yes")


def test_the_policy_stops_other_hosts_and_markup_from_text(browser: Browser, service: StandIn) -> None:
    page = browser.new_page()  # not the watched page, which would rightly fail
    open_page(page, service.url)
    page.evaluate("""() => {
        window.broken = [];
        addEventListener("securitypolicyviolation", (event) => broken.push(event.violatedDirective));
    }""")
    elsewhere = service.url.replace("127.0.0.1", INSECURE_HOST)
    assert page.evaluate("url => fetch(url).then(() => 'sent', () => 'stopped')", elsewhere) == "stopped"
    with pytest.raises(Error, match="TrustedHTML"):
        page.evaluate("document.body.innerHTML = '<b>x</b>'")
    assert page.evaluate("broken") == ["connect-src", "require-trusted-types-for"]
    page.context.close()


def test_without_https_it_is_an_ordinary_page(page: Page, service: StandIn) -> None:
    open_page(page, service.url.replace("127.0.0.1", INSECURE_HOST))
    assert page.evaluate("window.isSecureContext") is False
    choose(page, png("one.png"))
    expect(headline(page)).to_have_text(words("state.COVID"))


def test_the_service_worker_keeps_the_shell_and_never_an_answer(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    page.wait_for_function("navigator.serviceWorker.controller")
    choose(page, png("one.png"))
    expect(page.locator(".heatmap")).to_be_visible()
    page.get_by_text(words("about.title"), exact=True).click()
    expect(page.locator("#about-body dl")).to_be_visible()
    kept = page.evaluate("""async () => {
        const urls = [];
        for (const name of await caches.keys()) {
            for (const request of await (await caches.open(name)).keys()) urls.push(request.url);
        }
        return urls;
    }""")
    assert sorted(url.removeprefix(service.url) or "index.html" for url in kept) == sorted(shell_files())


@pytest.mark.failing_service
def test_an_installed_page_opens_without_the_service_and_says_that_it_is_missing(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    service.stop()
    page.reload()
    expect(page.locator("#service-state")).to_have_text(words("service.unreachable"))
    service.start()


def test_the_browser_finds_the_page_installable(page: Page, context: BrowserContext, service: StandIn) -> None:
    open_page(page, service.url)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    devtools = context.new_cdp_session(page)
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    reasons = [reason["errorId"] for reason in devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]]
    assert [reason for reason in reasons if reason != "in-incognito"] == []


def shell_files() -> list[str]:
    """What the page consists of; the worker itself, the policy and the notes for people are not part of it."""
    return [path.name for path in WEB.iterdir() if path.name not in {"sw.js", "csp.txt", "README.md"}]


def tab_to(page: Page, target, backwards: bool = False) -> None:
    for _ in range(60):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        if target.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError(f"{target} is not reached with the Tab key")
