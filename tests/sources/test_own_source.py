"""A source that somebody adds: one file and one registration. Here the file is this test, outside the package.

Its collection has lateral views and lung masks of its own, as a second one beside covid-chestxray-dataset.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import yaml
from PIL import Image

from cxr.augmentation.strong import StrongParams
from cxr.common import paths
from cxr.common.config import load_params
from cxr.common.errors import ParamsError
from cxr.common.labels import Label
from cxr.data.dataset import Dataset
from cxr.data.manifest import LungMask, OtherView, RejectedRow, read_rows
from cxr.data.settings import SplitParams
from cxr.data.splits import SPLITS, split_of_patient
from cxr.gate.dataset import frontal_pictures, joined, other_views
from cxr.gate.examples import draw_examples
from cxr.gate.settings import GateParams
from cxr.lungs.train import MaskedExamples, find_masks
from cxr.report.words import source_words
from cxr.sources import SOURCES, Candidate, Listing, Source, SourceDescription, SourceParams, register
from cxr.sources.base import NOT_STATED
from cxr.sources.settings import DownloadParams
from cxr.sources.synthetic.radiograph import radiograph
from stages import copies, download, index, pixels, split
from tools.workspace import merged

from .made import metadata

ROOT = Path(__file__).parents[2]
PATIENTS = 12
IMAGE_SIZE = 75


# --- the source -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WardParams(SourceParams):
    kind: Literal["ward"]
    patients: int
    train_on: tuple[Label, ...]


def fetch(params: WardParams, directory: Path) -> None:
    for folder in ("frontal", "lateral", "lungs"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    for patient in range(params.patients):
        frontal = radiograph(7, patient, 1, image_size=64, covid=patient % 2 == 0)
        Image.fromarray(frontal).save(directory / f"frontal/{patient}.png")
        Image.fromarray(frontal[:, 32:]).resize((64, 64)).save(directory / f"lateral/{patient}.png")
        Image.fromarray((frontal < 90).astype(np.uint8) * 255).save(directory / f"lungs/of-{patient}.png")


def list_images(params: WardParams, directory: Path, name: str) -> Listing:
    listing = Listing()
    for patient in sorted(map(str, range(params.patients))):
        label = "COVID" if int(patient) % 2 == 0 else "NonCOVID"
        listing.candidates.append(Candidate(f"frontal/{patient}.png", label, f"bed {patient}", view="AP"))
        listing.rejected.append(RejectedRow(f"lateral/{patient}.png", name, "not_frontal", "from the side"))
        listing.other_views.append(OtherView(f"lateral/{patient}.png", name, f"bed {patient}", "lateral"))
        listing.lung_masks.append(LungMask(f"lungs/of-{patient}.png", name, f"frontal/{patient}.png"))
    return listing


SOURCE = Source(WardParams, fetch, list_images, SourceDescription("drawn patients of one ward", people="nobody"))


@pytest.fixture
def registered() -> Iterator[None]:
    register(SOURCE)
    yield
    del SOURCES["ward"]


# --- what the project makes of it -----------------------------------------------------------------------------


@pytest.fixture
def project(registered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with phantoms, a mirror of covid-chestxray-dataset and the ward, downloaded, indexed and split."""
    mirror = tmp_path / "mirror"
    (mirror / "images").mkdir(parents=True)
    (mirror / "metadata.csv").write_bytes(metadata("1,0,M,60,COVID-19,L,X-ray,images,side.png"))
    Image.fromarray(radiograph(9, 1, 1, image_size=64, covid=True)).save(mirror / "images/side.png")
    labels = ["COVID", "NonCOVID"]
    phantom = {"patients": 8, "image_size": 64, "covid_fraction": 0.5, "seed": 1}
    sources = {
        "drawn": {"kind": "phantom", "train_on": labels, **phantom},
        "github": {"kind": "covid_chestxray", "origin": str(mirror), "revision": "0" * 40, "train_on": ["COVID"]},
        "ward": {"kind": "ward", "train_on": labels, "patients": PATIENTS},
    }
    change = {
        "download": {"sources!": sources},
        "pixels": {"image_size": IMAGE_SIZE},
        "split": {"test_fraction": 0.3, "validation_fraction": 0.3},
    }
    params = merged(yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")), change)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for stage in (download, index, pixels, copies, split):
        stage.main()
    return tmp_path


def data_of_project() -> tuple[Dataset, SplitParams]:
    return Dataset.read(paths.INDEX, paths.SPLIT, paths.PIXELS), load_params(SplitParams)


def test_its_settings_are_chosen_by_its_kind_and_checked_as_all_others(project: Path) -> None:
    ward = load_params(DownloadParams).sources["ward"]
    assert ward == WardParams("ward", PATIENTS, ("COVID", "NonCOVID"))
    text = (project / "params.yaml").read_text().replace(f"patients: {PATIENTS}", "patients: many")
    (project / "params.yaml").write_text(text)
    with pytest.raises(ParamsError, match=r"download\.sources\.ward\.patients"):
        load_params(DownloadParams)


def test_its_images_are_indexed_beside_those_of_the_other_sources(project: Path) -> None:
    rows = data_of_project()[0].rows
    assert {row.source for row in rows} == {"drawn", "ward"}
    ward = [row for row in rows if row.source == "ward"]
    assert len(ward) == PATIENTS
    assert {row.patient for row in ward} == {f"ward/bed {patient}" for patient in range(PATIENTS)}


def test_the_gate_learns_from_its_lateral_views_on_the_split_of_their_patients(project: Path) -> None:
    data, split_params = data_of_project()
    views = other_views(read_rows(OtherView, paths.OTHER_VIEWS), paths.RAW, IMAGE_SIZE, split_params)
    assert list(views.patients).count("github/1") == 1
    of_ward = views.where(views.sources == "ward")
    assert set(of_ward.patients) == {f"ward/bed {patient}" for patient in range(PATIENTS)}
    assert list(of_ward.splits) == [split_of_patient(patient, split_params) for patient in of_ward.patients]
    frontal = {row.patient: data.split_of.get(row.path) for row in data.rows}
    for patient, view_split in zip(of_ward.patients, of_ward.splits, strict=True):
        assert frontal[patient] in (view_split, None)  # None: the split dropped the picture as a near-duplicate
    still = StrongParams(0, 1, 1, 0, 1, 1, 0, 0)
    params = GateParams(1, 4, 1, 0.0, versions=20, false_refusals=0.01, folds=2, seed=1, augmentation=still)
    shown = draw_examples(joined(frontal_pictures(data), views), params)
    lateral = shown.where(shown.kinds == "lateral")
    assert len(lateral) == 20
    learned = views.where(views.splits != "test")
    assert "github/1" not in learned.patients  # its patient is on the test split
    assert "ward" in {str(patient).split("/")[0] for patient in lateral.patients}
    assert set(lateral.patients) <= set(learned.patients)


def test_the_segmenter_learns_from_its_masks(project: Path) -> None:
    data, split_params = data_of_project()
    found = find_masks(data, read_rows(LungMask, paths.LUNG_MASKS), paths.RAW, split_params)
    kept = [row for row in data.rows if row.source == "ward" and row.path in data.split_of]
    assert sorted(image.row.path for image in found.images) == [row.path for row in kept]
    assert {image.split for image in found.images} == set(SPLITS)
    examples = MaskedExamples.read(data, found, 32)
    assert len(examples.masks) == len(found.on("train"))
    assert 0.05 < (examples.masks >= 128).mean() < 0.95


def test_the_report_says_of_it_what_it_says_of_itself(registered: None) -> None:
    said = source_words({"kind": "ward"})
    assert (said.what, said.people, said.licence) == ("drawn patients of one ward", "nobody", NOT_STATED)


def test_two_sources_of_one_name_are_refused(registered: None) -> None:
    register(SOURCE)  # the same one again changes nothing
    with pytest.raises(ValueError, match="two sources are called 'ward'"):
        register(Source(WardParams, fetch, list_images))
