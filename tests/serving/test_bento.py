"""`bentoml build`: what it packs is enough to serve from elsewhere, and no more than that."""

import ast
import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import httpx
import pytest
import yaml
from packaging.requirements import Requirement

from tests.serving.bento_server import ROOT, put_model, served, store_environment
from tests.serving.xrays import picture, text_of

pytestmark = pytest.mark.slow
BENTOFILE = yaml.safe_load((ROOT / "bentofile.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def home(tmp_path_factory, bundle: Path) -> Path:
    folder = tmp_path_factory.mktemp("bentoml")
    put_model(folder, bundle)
    return folder


@pytest.fixture(scope="module")
def tag(home: Path) -> str:
    command = [sys.executable, "-m", "bentoml", "build", "--output", "tag"]
    done = subprocess.run(command, cwd=ROOT, env=store_environment(home), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1].removeprefix("__tag__:")


@pytest.fixture(scope="module")
def bento(home: Path, tag: str) -> Path:
    return home / "bentos" / tag.replace(":", "/")


# What the service has loaded after it has answered about every kind of picture that brings in code of its own.
LOADED = """
import json, sys, service
import cxr.imaging.dicom_decoder, serving.multipart
service.CovidCxr.inner()
files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
print(json.dumps({name: file for name, file in files.items() if file}))
"""


@pytest.fixture(scope="module")
def loaded(home: Path, bento: Path) -> dict[str, str]:
    """Name and file of every module, run from the packed source with the checkout out of sight."""
    script = f"import sys; sys.path[:] = [p for p in sys.path if p != {str(ROOT)!r}]\n{LOADED}"
    command, environment = [sys.executable, "-c", script], store_environment(home)
    done = subprocess.run(command, cwd=bento / "src", env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_the_service_imports_the_packed_source(bento: Path, loaded):
    packed = {str(path) for path in (bento / "src").rglob("*.py")}
    used = {file for name, file in loaded.items() if name.partition(".")[0] in ("cxr", "serving")}
    assert used <= packed
    assert {str(path) for path in (bento / "src" / "serving").rglob("*.py")} <= used


def test_of_the_library_only_the_packages_that_answer_are_packed(bento: Path):
    packages = {path.name for path in (bento / "src" / "cxr").iterdir() if path.is_dir()}
    assert packages == {"common", "imaging", "inference"}


def test_everything_that_the_packed_source_imports_is_required(bento: Path):
    allowed = {normal(name) for name in closure(BENTOFILE["python"]["packages"])}
    own = {"service", "serving", "cxr", *sys.stdlib_module_names}
    foreign = {root for file in (bento / "src").rglob("*.py") for root in imports_of(file)} - own
    assert {"openvino", "starlette", "PIL"} <= foreign
    assert {root for root in foreign if not owners_of(root) & allowed} == set()


def imports_of(file: Path) -> set[str]:
    """The first names of all imports, those inside functions included."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    named = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    named += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in named}


def owners_of(root: str) -> set[str]:
    return {normal(name) for name in packages_distributions().get(root, [])}


def normal(distribution: str) -> str:
    return distribution.replace("-", "_").lower()


def closure(requirements: list[str]) -> set[str]:
    """The named distributions and what they need in turn, as installed here."""
    found: set[str] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        if requirement.name in found:
            continue
        found.add(requirement.name)
        try:
            needs = requires(requirement.name) or []
        except PackageNotFoundError:
            continue
        waiting += [(Requirement(text), extra) for text in needs for extra in ("", *requirement.extras)]
    return found


def test_it_serves_from_another_folder(home: Path, tag: str, tmp_path: Path, client):
    request = {"image": text_of(picture())}
    with served(home, what=tag, cwd=tmp_path) as server:
        assert httpx.post(server.url + "/predict", json=request).json() == client.post("/predict", json=request).json()
        assert "<html" in httpx.get(server.url + "/").text


def test_a_bento_keeps_its_model_when_a_newer_one_is_stored(home: Path, tag: str, tmp_path: Path, bundle: Path):
    from tests.tiny import tiny_bundle

    put_model(home, tiny_bundle(tmp_path / "newer", seed=9))
    pinned = json.loads((bundle / "model.json").read_text())["version"]
    with served(home, what=tag, cwd=tmp_path) as server:
        assert httpx.get(server.url + "/model").json()["version"] == pinned


def test_an_exported_bento_takes_its_model_along(home: Path, tag: str, tmp_path: Path):
    archive, other = tmp_path / "service.bento", tmp_path / "other"
    for words, store in ((["export", tag, str(archive)], home), (["import", str(archive)], other)):
        other.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "bentoml", *words]
        subprocess.run(command, env=store_environment(store), cwd=tmp_path, capture_output=True, check=True)
    with served(other, what=tag, cwd=tmp_path) as server:
        assert httpx.post(server.url + "/predict", json={"image": text_of(picture())}).status_code == 200


def test_the_container_file_runs_as_nobody_special_and_installs_the_requirements(bento: Path):
    container = (bento / "env" / "docker" / "Dockerfile").read_text()
    assert re.search(r"^FROM python:3\.11-slim", container, re.MULTILINE)
    assert re.findall(r"^USER (\w+)$", container, re.MULTILINE)[-1] == "bentoml"
    assert "env/python/requirements.txt" in container
    required = (bento / "env" / "python" / "requirements.txt").read_text().splitlines()
    assert set(BENTOFILE["python"]["packages"]) <= set(required)
    entry = bento / "env" / "docker" / "entrypoint.sh"
    subprocess.run(["bash", "-n", str(entry)], check=True)
