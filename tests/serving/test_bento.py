"""`bentoml build`: what it packs is enough to serve from elsewhere, and no more than that."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import bentoml
import httpx
import pytest
import yaml
from anyio.from_thread import start_blocking_portal

from tests.serving.bento_server import ROOT, put_model, served, store_environment
from tests.serving.container import contained, image_context
from tests.serving.xrays import picture, text_of

pytestmark = pytest.mark.slow
BASE = yaml.safe_load((ROOT / "bentofile.yaml").read_text(encoding="utf-8"))["docker"]["base_image"]
REQUIRED = (ROOT / "serving" / "requirements.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory, bundle: Path) -> Path:
    folder = tmp_path_factory.mktemp("bentoml")
    put_model(folder, bundle)
    return folder


def built(home: Path, **variables: str) -> str:
    """The tag of a bento that `bentoml build` made now."""
    command = [sys.executable, "-m", "bentoml", "build", "--output", "tag"]
    own = store_environment(home, **variables)
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1].removeprefix("__tag__:")


def folder_of(home: Path, tag: str) -> Path:
    return home / "bentos" / tag.replace(":", "/")


@pytest.fixture(scope="module")
def tag(home: Path) -> str:
    return built(home)


@pytest.fixture(scope="module")
def bento(home: Path, tag: str) -> Path:
    return folder_of(home, tag)


def locked(text: str) -> dict[str, tuple[str, list[str]]]:
    """Name to version and hashes, of every requirement that has hashes."""
    entries = re.findall(
        r"^([a-z0-9._-]+)==(\S+?)[ ;].*\n((?:    --hash=sha256:[0-9a-f]{64}.*\n?)+)", text, re.MULTILINE
    )
    return {name: (version, re.findall(r"[0-9a-f]{64}", hashes)) for name, version, hashes in entries}


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
    command, environment = [sys.executable, "-Bc", script], store_environment(home)  # -B: the source stays as it is
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
    assert packages == {"common", "imaging", "inference", "outcomes", "watch"}


def test_everything_that_the_packed_source_imports_is_required(bento: Path):
    allowed = {normal(name) for name in locked(REQUIRED)}
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


def test_it_serves_from_another_folder(home: Path, tag: str, tmp_path: Path, client):
    request = {"image": text_of(picture())}
    with served(home, what=tag, cwd=tmp_path) as server:
        assert httpx.post(server.url + "/predict", json=request).json() == client.post("/predict", json=request).json()
        assert "<html" in httpx.get(server.url + "/").text
        file = tmp_path / "xray.png"
        file.write_bytes(picture())
        with bentoml.SyncHTTPClient(server.url) as native:
            assert native.predict(image=file) == client.post("/predict", json=request).json()
        with start_blocking_portal() as thread:  # a loop of a browser's tests may run in this one
            assert thread.call(asked, server.url, file) == client.post("/predict", json=request).json()


async def asked(url: str, file: Path) -> Any:
    async with bentoml.AsyncHTTPClient(url) as native:
        return await native.predict(image=file)


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


def test_what_it_installs_is_locked_with_hashes_as_uv_lock_has_it(bento: Path):
    required = (bento / "env" / "python" / "requirements.txt").read_text()
    assert locked(required) == locked(REQUIRED)
    assert {"bentoml", "openvino", "numpy", "pillow"} <= set(locked(REQUIRED))
    assert {"tensorflow", "mlflow", "pandas", "dvc", "pytest"} & set(locked(REQUIRED)) == set()
    without = [line for line in required.splitlines() if re.match(r"[a-z]", line) and not line.endswith("\\")]
    version = locked(REQUIRED)["bentoml"][0]
    assert without == [f"bentoml=={version}"]  # BentoML adds itself; the hashes above hold for it
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    assert {(name, version) for name, (version, _) in locked(REQUIRED).items()} <= {
        (package["name"], package["version"]) for package in lock if "version" in package
    }


def test_the_manifest_lists_the_methods_and_what_they_need(bento: Path):
    manifest = yaml.safe_load((bento / "bento.yaml").read_text())
    assert {route["route"] for route in manifest["schema"]["routes"]} == {
        "/api/predict",
        "/api/predict_batch",
        "/api/model_info",
    }
    config = manifest["services"][0]["config"]
    assert config["resources"] == {"cpu": 4, "memory": "2Gi"}
    assert config["traffic"]["concurrency"] == 8


def test_two_builds_agree_and_take_no_secret_along(home: Path):
    secret = "0f3b-a-key-of-the-clinic-77e1"
    first = folder_of(home, built(home))
    second = folder_of(home, built(home, CXR_API_KEY=secret, AWS_SECRET_ACCESS_KEY=secret))
    files = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
    assert files == {path.relative_to(second) for path in second.rglob("*") if path.is_file()}
    differing = {str(name) for name in files if (first / name).read_bytes() != (second / name).read_bytes()}
    assert differing <= {"bento.yaml", "README.md", "apis/openapi.yaml"}  # their tag and their time
    one, other = (yaml.safe_load((folder / "bento.yaml").read_text()) for folder in (first, second))
    assert {key for key in one if one[key] != other[key]} == {"version", "creation_time"}
    assert [name for name in files if secret.encode() in (second / name).read_bytes()] == []


# --- the container ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def container(bento: Path) -> str:
    return (bento / "env" / "docker" / "Dockerfile").read_text()


def test_the_container_file_is_pinned_and_runs_as_nobody_special(bento: Path, container: str):
    assert re.findall(r"^FROM (\S+)", container, re.MULTILINE) == [BASE]
    assert re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+", BASE)
    assert re.findall(r"^USER (\w+)$", container, re.MULTILINE)[-1] == "bentoml"
    assert re.search(r"^ARG BENTO_USER_UID=1034$", container, re.MULTILINE)
    assert "pip install -r $BENTO_PATH/env/python/requirements.txt" in container
    subprocess.run(["bash", "-n", str(bento / "env" / "docker" / "entrypoint.sh")], check=True)


def test_it_answers_with_a_read_only_root_and_no_rights(home: Path, tag: str, client):
    with image_context(home, tag) as context, contained(context) as url:
        request = {"image": text_of(picture())}
        assert httpx.post(url + "/predict", json=request).json() == client.post("/predict", json=request).json()
        assert "bentoml_service_request_total" in httpx.get(url + "/metrics").text


def test_hadolint_has_no_error(bento: Path):
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not on this machine")
    command = [hadolint, "--failure-threshold", "error", str(bento / "env" / "docker" / "Dockerfile")]
    subprocess.run(command, check=True)


def test_an_engine_builds_the_image(home: Path, tag: str):
    engine = next(filter(None, map(shutil.which, ("buildah", "podman"))), None)
    if engine is None:
        pytest.skip("neither buildah nor podman is on this machine")
    with image_context(home, tag) as context:
        command = [engine, "build", "--file", str(context / "env/docker/Dockerfile"), str(context)]
        subprocess.run(command, check=True)
