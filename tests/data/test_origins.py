"""The folders that the benchmark's pipeline downloads from: some patients first, the others later."""

from pathlib import Path

import pytest
import yaml

from benchmarks.origins import BenchImages, drawn, mirrored
from cxr.common.config import load_params
from cxr.sources import SOURCES
from cxr.sources.covid_chestxray import COLUMNS
from cxr.sources.settings import DownloadParams
from tools.workspace import ROOT, merged

TABLE = (
    ("1", "PA", "1a.jpg"),
    ("1", "AP", "1b.jpg"),
    ("2", "PA", "2.jpg"),
    ("3", "L", "lateral.jpg"),
)
KAGGLE = ("person1_virus_6.jpeg", "person1_virus_7.jpeg", "person2_bacteria_3.jpeg", "NORMAL2-IM-0383-0001.jpeg")


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """Empty files under a mirror's names: nobody opens a picture here."""
    root = tmp_path / "mirror"
    for name in KAGGLE:
        _touch(root / "chest-xray-pneumonia/chest_xray/train/PNEUMONIA" / name)
    rows = [",".join(COLUMNS)]
    for patient, view, name in TABLE:
        known = {"patientid": patient, "finding": "COVID-19", "view": view, "modality": "X-ray", "folder": "images"}
        rows.append(",".join({**known, "filename": name}.get(column, "") for column in COLUMNS))
        _touch(root / "covid-chestxray-dataset/images" / name)
    (root / "covid-chestxray-dataset/metadata.csv").write_text("\n".join(rows) + "\n")
    return root


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_a_patients_pictures_come_together_and_the_rest_is_there_from_the_start(mirror: Path, tmp_path: Path) -> None:
    pictures = mirrored(mirror)
    later = pictures.of_some_patients(0.4)
    patients = {pictures.patients[path] for path in later}
    assert len(patients) == 2  # of five
    assert later == {path for path, patient in pictures.patients.items() if patient in patients}
    assert pictures.of_some_patients(0.4) == later
    pictures.lay_out(tmp_path / "origin", without=later)
    assert names(mirror) - names(tmp_path / "origin") == {Path(path).name for path in later}
    assert {"metadata.csv", "lateral.jpg"} <= names(tmp_path / "origin")
    pictures.lay_out(tmp_path / "origin")
    assert names(tmp_path / "origin") == names(mirror)


def test_all_patients_or_none_can_come_later(mirror: Path) -> None:
    pictures = mirrored(mirror)
    assert pictures.of_some_patients(0) == set()
    assert pictures.of_some_patients(1) == set(pictures.patients)


@pytest.mark.parametrize("kind", ["phantoms", "mirror"])
def test_the_download_reads_what_was_laid_out(kind: str, mirror: Path, tmp_path: Path) -> None:
    pictures: BenchImages = drawn(tmp_path / "drawn", 3, 64) if kind == "phantoms" else mirrored(mirror)
    origin = tmp_path / "origin"
    pictures.lay_out(origin)
    configured = _sources(pictures, origin, tmp_path / "params.yaml")
    for name, params in configured.items():
        SOURCES[params.kind].fetch(params, tmp_path / "raw" / name)
    assert names(tmp_path / "raw") == names(origin)


def _sources(pictures: BenchImages, origin: Path, file: Path) -> dict:
    params = merged(yaml.safe_load((ROOT / "params.yaml").read_text()), {"download": pictures.download(origin)})
    file.write_text(yaml.safe_dump(params))
    return load_params(DownloadParams, file).sources
