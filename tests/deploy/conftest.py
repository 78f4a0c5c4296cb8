"""The stack without containers: two replicas, nginx and the programs that watch them, from the files of deploy/."""

import contextlib
import http.server
import json
import os
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.deploy.programs import DEPLOY, answers, free_ports, program, replica, running, wait_for
from tests.serving.bento_server import put_model
from tests.tiny import complete_tiny_bundle
from tools import stack

NAMES = ("service", "registry", "store", "watch")


@dataclass
class Replicas:
    """Two replicas behind serve.sh; `processes` may be killed."""

    ports: list[int]
    processes: list
    folders: list[Path]

    def log(self, number: int) -> str:
        return (self.folders[number] / "log").read_text(errors="replace")


@dataclass
class Proxy:
    ports: dict[str, int]
    certificate: Path
    settings: dict[str, str]
    log_file: Path

    def client(self, name: str) -> httpx.Client:
        """One that trusts the stack's own certificate and nothing else."""
        address = f"https://127.0.0.1:{self.ports[name]}"
        return httpx.Client(
            base_url=address, verify=ssl.create_default_context(cafile=str(self.certificate)), timeout=60
        )


@pytest.fixture(scope="package")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    folder = tmp_path_factory.mktemp("replicas")
    champion = folder / "champion"
    put_model(champion, complete_tiny_bundle(folder / "bundle"))
    ports = free_ports(2)
    homes = [folder / "one", folder / "two"]
    with contextlib.ExitStack() as both:
        started = [both.enter_context(replica(home, champion, port)) for home, port in zip(homes, ports, strict=True)]
        for home, port in zip(homes, ports, strict=True):
            wait_for(lambda port=port: answers(f"http://127.0.0.1:{port}/readyz"), home / "log")
        yield Replicas(ports, started, homes)


class Echo(http.server.BaseHTTPRequestHandler):
    """Stands for MLflow, the store and Grafana: answers with the headers that it got."""

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="package")
def echo() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="package")
def proxy(tmp_path_factory: pytest.TempPathFactory, replicas: Replicas, echo: int) -> Iterator[Proxy]:
    """nginx with deploy/nginx/nginx.conf as it is; of deploy/nginx/places/ only the addresses differ."""
    nginx = program("nginx")
    folder = tmp_path_factory.mktemp("proxy")
    settings = stack.set_up(folder, {})
    ports = dict(zip(NAMES, free_ports(len(NAMES)), strict=True))
    lay_out(folder, ports, replicas.ports, echo)
    as_root = "user root;" if os.geteuid() == 0 else ""  # its workers would else be nobody, who may not read here
    command = [nginx, "-p", f"{folder}/", "-c", str(folder / "nginx.conf"), "-g", f"daemon off;{as_root}"]
    with running(command, folder / "log"):
        wait_for(lambda: answers(f"https://127.0.0.1:{ports['service']}/readyz"), folder / "log")
        yield Proxy(ports, folder / "secrets" / "tls.crt", settings, folder / "log")


def lay_out(folder: Path, ports: dict[str, int], replicas: list[int], echo: int) -> None:
    (folder / "nginx.conf").write_bytes((DEPLOY / "nginx/nginx.conf").read_bytes())
    (folder / "htpasswd").write_bytes((folder / "secrets/htpasswd").read_bytes())
    here = {f"service-{number}:3000": f"127.0.0.1:{port}" for number, port in enumerate(replicas, 1)}
    here |= dict.fromkeys(("mlflow:5000", "store:8333", "grafana:3000"), f"127.0.0.1:{echo}")
    here |= {"/etc/nginx/tls/": f"{folder}/secrets/"}
    (folder / "places").mkdir()
    for file in (DEPLOY / "nginx/places").iterdir():
        text = file.read_text()
        for there, address in here.items():
            text = text.replace(there, address)
        name = file.stem.removeprefix("listen-")
        if name in ports:
            text = f"listen 127.0.0.1:{ports[name]} ssl;\n"
        (folder / "places" / file.name).write_text(text)
