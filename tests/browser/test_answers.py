"""Pictures go in, and what the service said about them is shown."""

import csv
import io
import re
import threading

import pytest
from playwright.sync_api import Page, expect

from tests.formulas import FORMULAS

from .desk import choose, drop, headline, open_page, paste, png, row, words
from .pictures import DICOM_PREAMBLE, chest_png, heatmap_uri
from .server import MODEL_CARD, Reply, StandIn, answer, refusal

pytestmark = pytest.mark.browser
both_sizes = pytest.mark.parametrize("size", ["desktop", "phone"])


@both_sizes
def test_an_uploaded_picture_gets_an_answer(page: Page, site: str) -> None:
    open_page(page, site)
    choose(page, png("chest.png"))
    states = [words(f"state.{state}") for state in ("COVID", "NonCOVID", "Refused")]
    expect(headline(page)).to_have_text(_any_of(states), timeout=30_000)
    expect(row(page, "chest.png")).to_contain_text(_any_of(states))
    expect(page.get_by_role("img", name=words("viewer.picture", name="chest.png"))).to_be_visible()
    expect(page.get_by_role("note")).to_have_text(words("disclaimer"))


@both_sizes
def test_the_answer_has_state_percentage_threshold_and_model(page: Page, service: StandIn) -> None:
    service.plan(answer(p_covid=0.971, threshold=0.42))
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(headline(page)).to_have_text(words("state.COVID"))
    expect(page.locator(".percentage")).to_have_text("97.1% " + words("detail.percentage_note"))
    expect(page.locator(".facts").last).to_contain_text("42.0%")
    expect(page.locator(".facts").last).to_contain_text("covid-cxr · 7 · InceptionV3")


def test_the_service_gets_the_file_unchanged(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    choose(page, png("chest.png", seed=3))
    expect(headline(page)).to_have_text(words("state.COVID"))
    assert service.requests == [{"explain": True, "image_bytes": chest_png(seed=3), "api_key": None}]


def test_an_answer_near_certainty_is_not_rounded_up_to_it(page: Page, service: StandIn) -> None:
    service.plan(answer(p_covid=0.99999))
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(page.locator(".percentage strong")).to_have_text("> 99.9%")


def test_a_percentage_below_one_half_is_explained(page: Page, service: StandIn) -> None:
    service.plan(answer(p_covid=0.44, threshold=0.42))
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(page.locator(".percentage strong")).to_have_text("44.0%")
    expect(page.locator(".panel")).to_contain_text(words("detail.below_half"))


def test_warnings_are_in_plain_language_and_unknown_ones_in_the_servers(page: Page, service: StandIn) -> None:
    service.plan(answer(warnings=("shortcut_flagged", "of_a_newer_service")))
    open_page(page, service.url)
    choose(page, png("chest.png"))
    shown = [words("warning.shortcut_flagged"), "server text for of_a_newer_service"]
    expect(page.locator(".warnings li")).to_have_text(shown)
    expect(row(page, "chest.png")).to_contain_text(words("results.warnings", count=2))


@both_sizes
def test_a_refusal_says_why_and_gives_no_percentage(page: Page, service: StandIn) -> None:
    service.plan(refusal("not_frontal"))
    open_page(page, service.url)
    choose(page, png("foot.png"))
    expect(headline(page)).to_have_text(words("state.Refused"))
    expect(page.locator(".panel .note")).to_have_text(words("refusal.not_frontal"))
    expect(page.locator(".percentage")).to_have_count(0)
    expect(row(page, "foot.png")).not_to_contain_text("%")


@both_sizes
def test_several_files_make_a_table_and_never_more_than_two_requests_at_once(page: Page, service: StandIn) -> None:
    gate = threading.Event()
    service.plan(*[Reply(body=answer(p_covid=0.1 * n, threshold=0.42), hold=gate) for n in range(5)])
    open_page(page, service.url)
    choose(page, *[png(f"film {n}.png", seed=n) for n in range(5)])
    expect(page.locator("#rows tr")).to_have_count(5)
    expect(page.locator("#summary")).to_have_text(words("results.summary", done=0, total=5))
    expect(page.locator("#rows progress")).to_have_count(5)
    for _ in range(1000):  # the second request may still be on its way
        if service.most_in_flight == 2:
            break
        page.wait_for_timeout(20)
    gate.set()
    expect(page.locator("#summary")).to_have_text(words("results.summary", done=5, total=5))
    assert service.most_in_flight == 2
    page.get_by_role("button", name="film 3.png", exact=True).click()
    expect(page.locator("#detail-title")).to_have_text("film 3.png")


def test_the_table_is_downloaded_as_csv(page: Page, service: StandIn) -> None:
    service.plan(answer(p_covid=0.25, warnings=("near_threshold",)), refusal("lateral"))
    open_page(page, service.url)
    choose(page, png("first.png"))
    expect(headline(page)).to_have_text(words("state.NonCOVID"))
    choose(page, png("=HYPERLINK(1).png"))
    expect(headline(page)).to_have_text(words("state.Refused"))
    with page.expect_download() as download:
        page.get_by_role("button", name=words("results.csv")).click()
    assert download.value.suggested_filename.endswith("Z.csv")
    text = download.value.path().read_bytes().decode("utf-8-sig")
    first, second = csv.DictReader(io.StringIO(text))
    assert (first["file"], first["state"], first["percentage"]) == ("first.png", "NonCOVID", "75")
    assert (first["probability_covid"], first["threshold"], first["warnings"]) == ("0.25", "0.42", "near_threshold")
    assert (second["file"], second["state"]) == ("'=HYPERLINK(1).png", "Refused")
    assert (second["percentage"], second["reason"]) == ("", "lateral")
    assert first["note"] == words("disclaimer")


@pytest.mark.parametrize(("name", "safe"), FORMULAS)
def test_no_name_becomes_a_formula_in_a_spreadsheet(page: Page, service: StandIn, name: str, safe: str) -> None:
    open_page(page, service.url)
    assert page.evaluate("async (name) => (await import('/csv.js')).withoutFormula(name)", name) == safe


def test_a_dropped_file_is_checked(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    drop(page, "dropped.png", chest_png(), "image/png")
    expect(row(page, "dropped.png")).to_contain_text(words("state.COVID"))


def test_a_dropped_folder_gives_its_files_without_the_clutter(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    names = page.evaluate("""async () => {
        const {filesOfFolder} = await import("/files.js");
        const file = (name) => ({name, isDirectory: false, file: (found) => found(new File(["x"], name))});
        const folder = (...entries) => ({isDirectory: true, name: "folder", createReader: () => {
            const batches = [entries, []];
            return {readEntries: (found) => found(batches.shift())};
        }});
        const clutter = [file(".DS_Store"), file("DICOMDIR")];
        const files = await filesOfFolder(folder(file("IM10"), file("IM2"), ...clutter, folder(file("deep.dcm"))));
        return files.map((file) => file.name);
    }""")
    assert sorted(names) == ["IM10", "IM2", "deep.dcm"]
    assert names.index("IM2") < names.index("IM10")


def test_pasted_pictures_get_names_of_their_own(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    paste(page, "image.png", chest_png(), "image/png")
    paste(page, "image.png", chest_png(seed=1), "image/png")
    for number in (1, 2):
        expect(row(page, words("intake.pasted_name", number=number))).to_contain_text(words("state.COVID"))


@pytest.mark.parametrize("size", ["phone"])
def test_a_phone_offers_its_camera(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=words("intake.camera")).tap()
    assert chooser.value.element.get_attribute("capture") == "environment"
    chooser.value.set_files([png("photo.png")])
    expect(headline(page)).to_have_text(words("state.COVID"))


def test_a_computer_with_a_mouse_offers_no_camera(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    expect(page.get_by_role("button", name=words("intake.camera"))).to_be_hidden()


def test_a_dicom_file_is_sent_and_shown_as_a_placeholder(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    choose(page, {"name": "IM0001.dcm", "mimeType": "application/dicom", "buffer": DICOM_PREAMBLE})
    expect(headline(page)).to_have_text(words("state.COVID"))
    expect(page.locator(".placeholder")).to_contain_text("DICOM")
    assert service.requests[0]["image_bytes"] == DICOM_PREAMBLE


def test_the_heat_map_lies_over_the_picture_and_its_opacity_is_a_slider(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    choose(page, png("chest.png"))
    heatmap = page.get_by_role("img", name=words("viewer.heatmap"))
    expect(heatmap).to_have_css("opacity", "0.6")
    picture = page.get_by_role("img", name=words("viewer.picture", name="chest.png"))
    assert heatmap.bounding_box() == picture.bounding_box()
    page.get_by_role("slider").fill("25")
    expect(heatmap).to_have_css("opacity", "0.25")
    page.get_by_role("checkbox", name=words("viewer.show")).uncheck()
    expect(heatmap).to_be_hidden()


def test_the_share_inside_the_lungs_is_among_the_facts_and_a_small_one_is_a_warning(
    page: Page, service: StandIn
) -> None:
    service.plan(answer(explain=True, warnings=("outside_lungs",), lung_share=0.312), answer(explain=True))
    open_page(page, service.url)
    choose(page, png("outside.png"))
    expect(page.locator(".facts").last).to_contain_text(words("detail.lung_share") + "31.2%")
    expect(page.locator(".warnings")).to_contain_text(words("warning.outside_lungs"))
    choose(page, png("unknown.png"))
    expect(row(page, "unknown.png")).to_contain_text(words("state.COVID"))
    page.get_by_role("button", name="unknown.png", exact=True).click()
    expect(page.locator("#detail-title")).to_have_text("unknown.png")
    expect(page.locator(".facts").last).not_to_contain_text(words("detail.lung_share"))


@pytest.mark.parametrize("share", [1.2, "0.4"])
def test_a_share_that_is_no_share_makes_the_answer_a_broken_one(page: Page, service: StandIn, share: object) -> None:
    service.plan(answer(explain=True, lung_share=share))
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(page.locator(".panel")).to_contain_text(words("error.broken_answer"))


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_triage_of_the_site_stands_in_the_table_and_beside_the_answer(
    page: Page, service: StandIn, language: str
) -> None:
    service.plan(answer(triage="uncertain", site="St. Example"))
    page.goto(f"{service.url}?lang={language}")
    choose(page, png("chest.png"))
    said = words("triage.uncertain", language)
    expect(page.locator(".verdict .triage")).to_have_text(said)
    expect(row(page, "chest.png")).to_contain_text(said)
    fact = page.locator(".facts div").filter(has_text=words("result.site", language))
    expect(fact).to_contain_text("St. Example")


def test_a_heat_map_of_another_shape_is_not_laid_over_the_picture(page: Page, service: StandIn) -> None:
    service.plan({**answer(), "heatmap": heatmap_uri(480, 320)})
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(page.locator("#detail")).to_contain_text(words("viewer.misfit"))
    expect(page.locator(".heatmap")).to_have_count(0)


def test_the_heat_map_is_asked_for_only_when_wanted(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    page.get_by_text(words("settings.title"), exact=True).click()
    page.get_by_role("checkbox", name=words("settings.explain")).uncheck()
    choose(page, png("chest.png"))
    expect(headline(page)).to_have_text(words("state.COVID"))
    expect(page.locator(".heatmap")).to_have_count(0)
    assert service.requests[0]["explain"] is False


def test_a_name_that_looks_like_markup_stays_text(page: Page, service: StandIn) -> None:
    service.plan({**answer(), "warnings": [{"code": "new", "message": "<img src=x onerror=alert(1)>"}]})
    open_page(page, service.url)
    choose(page, png("<b>bold<b>.png"))
    expect(page.locator("#detail-title")).to_have_text("<b>bold<b>.png")
    expect(page.locator(".warnings li")).to_have_text("<img src=x onerror=alert(1)>")


def test_the_facts_about_the_model_are_shown(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    page.get_by_text(words("about.title"), exact=True).click()
    expect(page.locator("#about-body")).to_contain_text("test auc")
    expect(page.locator("#about-body")).to_contain_text("0.9312")
    reasons = page.locator("#about-body div").filter(has_text="audit reasons").locator("dd")
    expect(reasons).to_have_text(MODEL_CARD["audit"]["reasons"])
    expect(page.locator("#about-body")).to_contain_text("0.8412 (0.79–0.88)")


def test_history_lives_in_the_pages_memory_only(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(headline(page)).to_have_text(words("state.COVID"))
    stored = page.evaluate("""async () => [localStorage.length, sessionStorage.length, document.cookie,
        (await indexedDB.databases()).length]""")
    assert stored == [0, 0, "", 0]
    page.reload()
    page.get_by_role("button", name=words("intake.choose")).wait_for()
    expect(page.locator("#results")).to_be_hidden()


def test_clear_all_asks_first_and_then_forgets(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(headline(page)).to_have_text(words("state.COVID"))
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name=words("results.clear")).click()
    expect(row(page, "chest.png")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=words("results.clear")).click()
    expect(page.locator("#results")).to_be_hidden()
    expect(page.locator("#detail img")).to_have_count(0)


def _any_of(texts: list[str]):
    return re.compile("|".join(map(re.escape, texts)))
