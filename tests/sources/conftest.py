from collections.abc import Iterator
from pathlib import Path

import pytest

from cxr.sources import kaggle_pneumonia
from cxr.sources.http import github

from .made import HURRIED, metadata, noise, zip_of
from .servers import REVISION, Server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """Stands in for codeload, for Kaggle's API and for its storage; no credentials are to be found."""
    kaggle_env = pytest.importorskip("kagglesdk.kaggle_env")
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_ENVIRONMENT", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "home" / ".kaggle"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as running:
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, running.url)
        monkeypatch.setattr(github, "ARCHIVE_URL", running.url + "/{repository}/zip/{revision}")
        monkeypatch.setattr(github, "PATIENCE", HURRIED)
        monkeypatch.setattr(kaggle_pneumonia, "PATIENCE", HURRIED)
        yield running
        running.shutdown()


@pytest.fixture
def covid_zip() -> bytes:
    """As codeload makes it; larger than a few chunks, so that it can be cut half-way."""
    top = f"covid-chestxray-dataset-{REVISION}"
    files = {
        f"{top}/README.md": b"Please do not claim diagnostic performance",
        f"{top}/metadata.csv": metadata("1,0,M,60,COVID-19,PA,X-ray,images,a.jpg"),
        f"{top}/images/a.jpg": noise(300_000),
        f"{top}/volumes/big.nii.gz": b"CT",
        f"{top}/annotations/boxes.json": b"{}",
        f"{top}/images/.DS_Store": b"clutter",
    }
    return zip_of(files, REVISION)


@pytest.fixture
def kaggle_zip() -> bytes:
    """As Kaggle packs it, with the nested second copy and macOS' clutter."""
    pictures = {
        "train/NORMAL/IM-0115-0001.jpeg": noise(150_000, 1),
        "test/PNEUMONIA/person1_virus_6.jpeg": noise(150_000, 2),
        "val/NORMAL/NORMAL2-IM-1427-0001.jpeg": noise(1000, 3),
    }
    files = {f"chest_xray/{path}": content for path, content in pictures.items()}
    files |= {f"chest_xray/chest_xray/{path}": content for path, content in pictures.items()}
    files |= {f"chest_xray/__MACOSX/{path}": b"fork" for path in pictures}
    files |= {"chest_xray/train/NORMAL/._IM-0115-0001.jpeg": b"fork", "chest_xray/train/.DS_Store": b"x"}
    return zip_of(files)


@pytest.fixture
def codeload(server: Server, covid_zip: bytes) -> Server:
    server.state.archive = covid_zip
    return server


@pytest.fixture
def kaggle(server: Server, kaggle_zip: bytes) -> Server:
    server.state.archive = kaggle_zip
    return server
