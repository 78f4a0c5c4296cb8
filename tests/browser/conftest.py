import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from .server import StandIn

DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
PATIENCE_MS = 20_000  # a busy machine is no failure
SIZES = {"desktop": DESKTOP, "phone": PHONE}

# What Chromium says where the service is down: of a picture or a page, and of the service worker's own script.
OF_A_FAILING_SERVICE = ("Failed to load resource", "An unknown error occurred when fetching the script")

WATCH_POLICY = """addEventListener("securitypolicyviolation",
  (event) => console.error(`POLICY ${event.violatedDirective} ${event.blockedURI}`));"""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "failing_service: it fails on purpose, so the browser reports failed loads")


@pytest.fixture
def service() -> Iterator[StandIn]:
    with StandIn() as service:
        yield service


@pytest.fixture(params=["stand-in", "real"])
def site(request: pytest.FixtureRequest) -> str:
    """The address of the stand-in, then that of the real service, for tests that hold for both; CXR_SERVICE_URL
    names another real one."""
    if request.param == "stand-in":
        return request.getfixturevalue("service").url
    url = os.environ.get("CXR_SERVICE_URL") or request.getfixturevalue("real_service")
    return url.rstrip("/") + "/"


@pytest.fixture
def size() -> str:
    """Override with parametrize: desktop or phone."""
    return "desktop"


@pytest.fixture
def context_options() -> dict:
    """Override with parametrize: more options of the browser context, colour scheme and so on."""
    return {}


@pytest.fixture
def context(
    request: pytest.FixtureRequest, browser: Browser, service: StandIn, size: str, context_options: dict
) -> Iterator[BrowserContext]:
    """A fresh profile. When the test is over: nothing left the page's origin, nothing broke the policy, nothing was
    written to the console as an error.

    It needs the stand-in, so pytest closes it first: a page that still loads something, its service worker say,
    when the service goes away complains of that.
    """
    context = browser.new_context(locale="en-GB", accept_downloads=True, **SIZES[size], **context_options)
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    context.add_init_script(WATCH_POLICY)
    complaints: list[str] = []
    addresses: list[str] = []
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("request", lambda asked: addresses.append(asked.url))
    yield context
    context.close()
    if request.node.get_closest_marker("failing_service"):
        complaints = [text for text in complaints if not text.startswith(OF_A_FAILING_SERVICE)]
    assert complaints == []
    if addresses:  # none where the test was skipped
        origin = "{0.scheme}://{0.netloc}/".format(urlsplit(addresses[0]))  # where the test itself went
        assert [url for url in addresses if not url.startswith((origin, "blob:", "data:"))] == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    page = context.new_page()
    page.on("filechooser", lambda _: None)  # from the start: turned on within a test, it can come after the click
    return page
