import io
import zipfile
from collections.abc import Iterator, Mapping

import pytest
from servers import REVISION, Server

from cxr.sources import covid_chestxray, kaggle_pneumonia
from cxr.sources.transfer import Patience

HURRIED = Patience(connect_timeout_s=5, read_timeout_s=5, attempts=3, backoff_s=0, longest_wait_s=5)
HEADER = "patientid,offset,sex,age,finding,view,modality,folder,filename\n"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[Server]:
    """Stands in for codeload, for Kaggle's API and for its storage; no credentials are to be found."""
    kaggle_env = pytest.importorskip("kagglesdk.kaggle_env")
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_ENVIRONMENT", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "home" / ".kaggle"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as running:
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, running.url)
        monkeypatch.setattr(
            covid_chestxray, "ARCHIVE_URL", running.url + "/ieee8023/covid-chestxray-dataset/zip/{revision}"
        )
        monkeypatch.setattr(covid_chestxray, "PATIENCE", HURRIED)
        monkeypatch.setattr(kaggle_pneumonia, "PATIENCE", HURRIED)
        yield running
        running.shutdown()


def zip_of(files: Mapping[str, bytes], comment: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
        zipped.comment = comment.encode()
    return buffer.getvalue()


def noise(size: int, seed: int = 0) -> bytes:
    import random

    return random.Random(seed).randbytes(size)


def metadata(*rows: str) -> bytes:
    return (HEADER + "\n".join(rows) + "\n").encode()


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
