"""A registry, a BentoML store and a workspace of the test's own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxr.common.errors import CxrError
from cxr.data.settings import SplitParams
from cxr.data.splits import split_fingerprint
from cxr.tracking import aliases, registry
from cxr.tracking.registry import BUNDLE_TAG, Version, bundle_sha256
from tests.promotion.registry_in_memory import RegistryInMemory, StoredVersion
from tests.serving.model_store import own_store
from tests.tiny import tiny_bundle

SPLIT = split_fingerprint(SplitParams(seed=20, test_fraction=0.2, validation_fraction=0.15), {})  # nobody is moved


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder; no setting of the person who runs the tests."""
    for name in ("DVC_ROOT", "DVC_EXP_NAME", "CXR_WHO"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    with own_store(tmp_path / "bentoml", monkeypatch):
        yield tmp_path


@pytest.fixture
def versions(workspace: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch) -> dict[int, Path]:
    """Registered versions 1, 2 and 3 by their files."""
    client = RegistryInMemory()
    monkeypatch.setattr(registry, "connect", lambda: client)
    monkeypatch.setattr(aliases, "connect", lambda: client)
    stored = dict(enumerate(models, 1))
    for number, files in stored.items():
        client.versions[str(number)] = StoredVersion({BUNDLE_TAG: bundle_sha256(files)})

    def fetch(version: Version, folder: Path) -> Path:
        if version.number not in stored:
            raise CxrError(f"the files of {version} cannot be read")
        return Path(shutil.copytree(stored[version.number], folder))

    monkeypatch.setattr(registry, "fetch_bundle", fetch)
    return stored


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("models")
    return [tiny_bundle(folder / f"bundle-{seed}", seed=seed, split=SPLIT) for seed in (1, 2, 3)]
