"""The application on a free port of loopback, with a tiny model, in this process."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from serving.app import create_app, create_context
from serving.champion import Champion
from serving.connections import limited
from serving.metrics import Metrics
from serving.routes import ROUTES
from serving.settings import Settings
from tests.serving.bento_server import put_model
from tests.serving.xrays import picture
from tests.tiny import tiny_bundle

WEB = Path(__file__).parents[2] / "clients" / "web"
Serve = Callable[..., contextlib.AbstractContextManager[httpx.Client]]


@pytest.fixture(scope="session")
def bundle(tmp_path_factory) -> Path:
    return tiny_bundle(tmp_path_factory.mktemp("model") / "bundle", note="tiny", mirror="/somewhere/on/this/machine")


@pytest.fixture(scope="session")
def champion(bundle: Path) -> Champion:
    return Champion(lambda: bundle)


@pytest.fixture(scope="session")
def serve(champion: Champion) -> Serve:
    """serve(settings, model=…, web=…): a client of a server that runs inside the block. More options go to
    `create_context`."""

    @contextlib.contextmanager
    def served(
        settings: Settings | None = None, model: Champion = champion, web: Path = WEB, **options: Any
    ) -> Iterator[httpx.Client]:
        settings = settings or Settings()
        context = create_context(settings, model, Metrics(), **options)
        app = create_app(context, web, options.get("routes", ROUTES))
        with running(app, settings) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client

    return served


@pytest.fixture(scope="session")
def client(serve: Serve) -> Iterator[httpx.Client]:
    """Of a server with the default settings."""
    with serve() as default:
        yield default


@pytest.fixture(scope="session")
def gated(serve: Serve, complete_bundle: Path) -> Iterator[httpx.Client]:
    """Of a server whose model has a gate and a lung segmenter: see tests/tiny.py."""
    with serve(model=Champion(lambda: complete_bundle)) as client:
        yield client


@contextlib.contextmanager
def running(app: ASGIApp, settings: Settings) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", http=limited(settings)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.005)
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def home(tmp_path_factory, complete_bundle: Path) -> Path:
    """A BentoML home whose champion is a model with all parts; a module may override it."""
    folder = tmp_path_factory.mktemp("bentoml")
    put_model(folder, complete_bundle)
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A picture as a file."""
    path = tmp_path / "xray.png"
    path.write_bytes(picture(2))
    return path
