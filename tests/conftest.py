"""What several test modules share: a tiny model, made once."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cxr.common.usage_reports import switch_off
from tests.servers.fixtures import postgres_server, s3_server  # noqa: F401 (every test may ask for them)
from tests.tiny import complete_tiny_bundle, tiny_bundle

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The folders whose tests take longest, longest first: the workers of `make test` start with them.
LONGEST = ("pipeline", "benchmarks")

switch_off()  # before the first import of MLflow, NNCF or OpenVINO


def _folder(nodeid: str) -> str:
    """The folder below tests/ that a test stands in; "" for one beside this file."""
    inside = nodeid.partition("::")[0].split("/")[1:]
    return inside[0] if len(inside) > 1 else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest folders first."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(_folder(item.nodeid), len(LONGEST)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A whole folder to one worker, which then makes what the folder's tests share once.

    pytest-xdist's own groups do not reach the scheduler under pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFolder(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _folder(nodeid)

    return ByFolder(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole model that `Engine.load` reads, for pictures of side 32. Not to be changed: copy it first."""
    return tiny_bundle(tmp_path_factory.mktemp("model") / "bundle")


@pytest.fixture(scope="session")
def complete_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `bundle`, with a gate and a lung segmenter: see tests/tiny.py."""
    return complete_tiny_bundle(tmp_path_factory.mktemp("model") / "bundle")


@pytest.fixture(scope="session")
def real_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the service as `bentoml serve` runs it, answering with a tiny model; for its clients' tests."""
    from tests.serving.bento_server import put_model, served

    home = tmp_path_factory.mktemp("service") / "bentoml"
    put_model(home, tiny_bundle(home.parent / "bundle"))
    with served(home, CXR_API_KEY="", CXR_WORKERS="1") as server:
        yield server.url


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """One for all tests: Playwright's synchronous interface cannot be started twice in a process."""
    from playwright.sync_api import sync_playwright

    from tests.browser.chromium import chromium_path, launch

    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium: set CXR_CHROMIUM, or install Debian's package chromium")
    with sync_playwright() as playwright:
        browser = launch(playwright, path)
        yield browser
        browser.close()
