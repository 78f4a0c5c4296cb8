"""When the service fails, is slow or says no, the page says what happened and what to do."""

import threading

import pytest
from playwright.sync_api import Page, expect

from .desk import choose, headline, open_page, png, row, words
from .server import Reply, StandIn, answer, error

pytestmark = [pytest.mark.browser, pytest.mark.failing_service]
both_sizes = pytest.mark.parametrize("size", ["desktop", "phone"])


@both_sizes
@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (error(413, "too_large"), "error.too_large"),
        (Reply(413, "<html>a proxy's page</html>"), "error.too_large"),
        (error(415, "not_a_picture"), "error.not_a_picture"),
        (error(415, "a_code_of_a_newer_service"), "error.not_a_picture"),
        (error(422, "invalid_field"), "error.invalid_field"),
        (error(400, "bad_request"), "error.bad_request"),
        (error(403, "not_for_use"), "error.not_for_use"),
        (error(500, "internal"), "error.server"),
        (Reply(200, "<html>not the service</html>"), "error.broken_answer"),
        (Reply(200, {**answer(), "percentage": 971}), "error.broken_answer"),
        (Reply(200, {**answer(), "triage": "perhaps"}), "error.broken_answer"),
        (Reply(200, {**answer(), "heatmap": "https://elsewhere.example/map.png"}), "error.broken_answer"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_failure_is_named_in_plain_words(page: Page, service: StandIn, reply: Reply, text: str) -> None:
    service.plan(reply)
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(headline(page)).to_have_text(words("status.failed"))
    expect(page.locator(".panel .note")).to_have_text(words(text))
    expect(row(page, "chest.png")).to_contain_text(words("status.failed"))


def test_one_failure_does_not_stop_the_others(page: Page, service: StandIn) -> None:
    service.plan(error(413, "too_large"))
    open_page(page, service.url)
    choose(page, *[png(f"film {n}.png") for n in range(4)])
    expect(page.locator("#summary")).to_have_text(words("results.summary", done=4, total=4))
    expect(page.locator("#rows tr.covid")).to_have_count(3)
    expect(page.locator("#rows tr.failed")).to_have_count(1)


@both_sizes
def test_a_service_that_is_down_is_named_and_the_picture_can_be_tried_again(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    expect(page.locator("#service-state")).to_have_text(words("service.ready"))
    service.stop()
    choose(page, png("chest.png"))
    expect(page.locator(".panel .note")).to_have_text(words("error.no_network"))
    expect(page.locator("#service-state")).to_have_text(words("service.unreachable"))
    service.start()
    page.get_by_role("button", name=words("detail.retry")).click()
    expect(headline(page)).to_have_text(words("state.COVID"))
    expect(page.locator("#service-state")).to_have_text(words("service.ready"))


def test_a_service_that_is_starting_is_asked_until_it_is_ready(page: Page, service: StandIn) -> None:
    service.ready = False
    open_page(page, service.url)
    expect(page.locator("#service-state")).to_have_text(words("service.starting"))
    service.ready = True
    expect(page.locator("#service-state")).to_have_text(words("service.ready"))


@both_sizes
def test_a_slow_service_is_named_and_can_be_cancelled(page: Page, service: StandIn) -> None:
    gate = threading.Event()
    service.plan(Reply(body=answer(), hold=gate))
    page.clock.install()
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(headline(page)).to_have_text(words("status.thinking"))
    page.clock.run_for(7000)
    expect(page.locator(".panel .note")).to_have_text(words("status.slow"))
    page.get_by_role("button", name=words("action.cancel")).click()
    expect(headline(page)).to_have_text(words("status.cancelled"))
    gate.set()


def test_a_slow_answer_still_arrives(page: Page, service: StandIn) -> None:
    service.plan(Reply(body=answer(), delay_s=3))
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(headline(page)).to_have_text(words("status.thinking"))
    expect(headline(page)).to_have_text(words("state.COVID"))


def test_no_answer_within_two_minutes_ends_the_wait(page: Page, service: StandIn) -> None:
    gate = threading.Event()
    service.plan(Reply(body=answer(), hold=gate))
    page.clock.install()
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(headline(page)).to_have_text(words("status.thinking"))
    page.clock.run_for(121_000)
    expect(page.locator(".panel .note")).to_have_text(words("error.timeout"))
    gate.set()


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again_after_as_long_as_it_says(page: Page, service: StandIn, status: int) -> None:
    service.plan(error(status, "overloaded", Retry_After="3"))
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(headline(page)).to_have_text(words("status.pausing", seconds=3))
    expect(headline(page)).to_have_text(words("status.pausing", seconds=2))
    expect(page.locator(".panel .note")).to_have_text(words("status.pausing_note", attempt=2, attempts=5))
    assert len(service.requests) == 1
    expect(headline(page)).to_have_text(words("state.COVID"))
    assert len(service.requests) == 2


def test_a_service_that_stays_busy_is_left_alone_after_five_attempts(page: Page, service: StandIn) -> None:
    service.plan(*[error(503, "overloaded", Retry_After="1") for _ in range(9)])
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(page.locator(".panel .note")).to_have_text(words("error.overloaded"))
    assert len(service.requests) == 5


def test_a_wait_of_many_minutes_is_left_to_the_person(page: Page, service: StandIn) -> None:
    service.plan(error(503, "overloaded", Retry_After="900"))
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(page.locator(".panel .note")).to_have_text(words("error.overloaded"))
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("header", "attempt", "wait_s"),
    [
        ("7", 1, 7),
        ("0", 1, 1),
        (None, 1, 1),
        (None, 4, 8),
        ("soon", 2, 2),
        ("Thu, 01 Jan 1970 00:01:30 GMT", 1, 30),
    ],
)
def test_retry_after_is_seconds_or_a_date(
    page: Page, service: StandIn, header: str | None, attempt: int, wait_s: int
) -> None:
    open_page(page, service.url)
    asked = "async ([header, attempt]) => (await import('/retry.js')).waitSeconds(header, attempt, 60_000)"
    assert page.evaluate(asked, [header, attempt]) == wait_s


def test_a_missing_key_opens_the_settings_and_the_key_is_sent_from_then_on(page: Page, service: StandIn) -> None:
    service.api_key = "sesame"
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(page.locator(".panel .note")).to_have_text(words("error.unauthorised"))
    page.get_by_label(words("settings.key"), exact=True).fill("sesame")
    page.get_by_role("button", name=words("detail.retry")).click()
    expect(headline(page)).to_have_text(words("state.COVID"))
    assert service.requests[-1]["api_key"] == "sesame"


def test_an_empty_file_is_named_without_asking_the_service(page: Page, service: StandIn) -> None:
    open_page(page, service.url)
    choose(page, {"name": "nothing.png", "mimeType": "image/png", "buffer": b""})
    expect(page.locator(".panel .note")).to_have_text(words("file.empty"))
    assert service.requests == []


def test_all_failed_pictures_can_be_tried_again_at_once(page: Page, service: StandIn) -> None:
    service.plan(error(500, "internal"), error(500, "internal"))
    open_page(page, service.url)
    choose(page, png("a.png"), png("b.png"))
    expect(page.locator("#rows tr.failed")).to_have_count(2)
    page.get_by_role("button", name=words("results.retry_all")).click()
    expect(page.locator("#rows tr.covid")).to_have_count(2)


def test_a_picture_removed_while_it_is_on_its_way_stays_removed(page: Page, service: StandIn) -> None:
    gate = threading.Event()
    service.plan(Reply(body=answer(), hold=gate))
    open_page(page, service.url)
    choose(page, png("chest.png"))
    expect(headline(page)).to_have_text(words("status.thinking"))
    page.get_by_role("button", name=words("results.remove", name="chest.png")).click()
    gate.set()
    expect(page.locator("#results")).to_be_hidden()
    choose(page, png("next.png"))
    expect(headline(page)).to_have_text(words("state.COVID"))
    expect(page.locator("#rows tr")).to_have_count(1)
