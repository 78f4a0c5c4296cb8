"""tools/deliver.py: what it brings, and what it leaves alone. The registry is one in memory; the real one stands in
test_registry_stack.py."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cxr.common.errors import CxrError
from cxr.inference.model_store import champion_tag
from cxr.tracking import registry
from cxr.tracking.registry import BUNDLE_TAG, Version, bundle_sha256
from tests.promotion.registry_in_memory import RegistryInMemory, StoredVersion
from tests.serving.model_store import own_store
from tests.tiny import tiny_bundle
from tools import deliver

MODEL = "covid-cxr"
Champion = Callable[[int], Path]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("CXR_MODEL", raising=False)
    with own_store(tmp_path / "bentoml", monkeypatch) as folder:
        yield folder


@pytest.fixture
def champion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Champion:
    """Registers a version and makes it the champion; its files."""
    client = RegistryInMemory()
    files: dict[int, Path] = {}
    monkeypatch.setattr(registry, "connect", lambda: client)

    def fetch(version: Version, folder: Path) -> Path:
        if bundle_sha256(files[version.number]) != version.bundle_sha256:
            raise CxrError(f"the files of {version} are not those that were registered")
        return Path(shutil.copytree(files[version.number], folder))

    def make(number: int) -> Path:
        files[number] = tiny_bundle(tmp_path / f"version-{number}", seed=number)
        client.versions[str(number)] = StoredVersion({BUNDLE_TAG: bundle_sha256(files[number])})
        client.set_registered_model_alias(MODEL, "champion", str(number))
        return files[number]

    monkeypatch.setattr(registry, "fetch_bundle", fetch)
    return make


def test_without_a_champion_it_says_what_makes_one(home: Path, champion: Champion):
    with pytest.raises(CxrError, match="no champion in the registry yet; `make promote"):
        deliver.deliver(MODEL)
    assert not (home / "cxr-champions").exists()


def test_the_champion_comes_once_and_the_next_one_after_it(home: Path, champion: Champion, monkeypatch):
    first = champion(1)
    known, said = deliver.deliver(MODEL)
    assert (known, said) == (bundle_sha256(first), f"covid-cxr version 1 is in {home}")
    assert champion_tag(MODEL) == "covid-cxr:v1"
    with monkeypatch.context() as patched:
        patched.setattr(registry, "fetch_bundle", None)  # a call would fail
        assert deliver.deliver(MODEL, known) == (known, "")
    champion(2)
    assert deliver.deliver(MODEL, known)[0] != known
    assert champion_tag(MODEL) == "covid-cxr:v2"


@pytest.mark.parametrize("registered", [True, False])
def test_a_champion_that_cannot_be_used_leaves_the_store_as_it_was(home: Path, champion: Champion, registered: bool):
    champion(1)
    known, _ = deliver.deliver(MODEL)
    files = champion(2)
    (files / "trunk.bin").write_bytes(b"")
    if registered:  # broken before it was registered: its hash fits
        registry.connect().versions["2"] = StoredVersion({BUNDLE_TAG: bundle_sha256(files)})
    with pytest.raises(CxrError):
        deliver.deliver(MODEL, known)
    assert champion_tag(MODEL) == "covid-cxr:v1"


def test_only_the_champion_is_followed(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CXR_MODEL", "covid-cxr:v3")
    monkeypatch.setattr("sys.argv", ["deliver"])
    with pytest.raises(CxrError, match="only covid-cxr:champion follows"):
        deliver.main()


def test_it_goes_on_looking_and_says_each_cause_once(home: Path, champion: Champion, tmp_path, monkeypatch, capsys):
    waits = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            champion(1)
        if len(waits) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(deliver.time, "sleep", wait)
    with pytest.raises(KeyboardInterrupt):
        deliver.keep_delivering(MODEL, 30, tmp_path / "looked")
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[2].split()[0] for line in lines] == ["not", "covid-cxr"]
    assert (tmp_path / "looked").exists()
    assert waits == [30] * 4
