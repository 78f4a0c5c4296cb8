"""The real X-rays: CXR_MIRROR names a directory with covid-chestxray-dataset/, chest-xray-pneumonia/ and, if it has it,
covid-19-image-repository/."""

import os
from pathlib import Path

import pytest

from cxr.data.manifest import count_by
from cxr.sources import SOURCES
from cxr.sources.base import Listing
from cxr.sources.covid_chestxray import CovidChestxrayParams
from cxr.sources.covid_image_repository import CovidImageRepositoryParams
from cxr.sources.fetching import fetch_all
from cxr.sources.kaggle_pneumonia import KagglePneumoniaParams
from cxr.sources.persons import joined_patients
from tests.rows import image_row

pytestmark = [
    pytest.mark.mirror,
    pytest.mark.skipif("CXR_MIRROR" not in os.environ, reason="CXR_MIRROR is unset: no mirror of the real X-rays"),
]


@pytest.fixture(scope="module")
def listings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Listing]:
    mirror = Path(os.environ["CXR_MIRROR"])
    configured = {
        "covid": CovidChestxrayParams("covid_chestxray", str(mirror / "covid-chestxray-dataset"), "0" * 40, ("COVID",)),
        "kaggle": KagglePneumoniaParams("kaggle_pneumonia", str(mirror / "chest-xray-pneumonia"), ("NonCOVID",), 2),
    }
    raw = tmp_path_factory.mktemp("raw")
    fetch_all(configured, SOURCES, raw)
    return {name: SOURCES[params.kind].list_images(params, raw / name, name) for name, params in configured.items()}


def test_the_covid_collection_has_the_counts_of_its_own_records(listings: dict[str, Listing]):
    """Of the 434 frontal COVID-19 rows (datasets' README) 7 name a file that is not there."""
    listing = listings["covid"]
    assert count_by(listing.candidates, "label") == {"COVID": 427, "NonCOVID": 100}
    assert count_by(listing.rejected, "reason") == {
        "no_file": 14,
        "no_row": 13,
        "not_frontal": 54,
        "not_xray": 84,
        "unknown_view": 39,
        "unlabelled": 28,
    }


def test_every_row_and_every_file_of_the_covid_collection_is_accounted_for(listings: dict[str, Listing]):
    """751 rows, of which 5 are second rows of a file; 13 files have none."""
    listing = listings["covid"]
    assert len(listing.candidates) + len(listing.rejected) == 751 - 5 + 13
    paths = [row.path for row in [*listing.candidates, *listing.rejected]]
    assert len(set(paths)) == len(paths)


def test_the_patient_that_was_entered_twice_is_one(listings: dict[str, Listing]):
    patients = {row.patient for row in listings["covid"].candidates}
    assert "285" in patients
    assert "339" not in patients


def test_the_covid_collection_names_its_copies_of_the_hannover_pictures(listings: dict[str, Listing]):
    copies = [row.same_as for row in listings["covid"].candidates if row.same_as]
    assert len(copies) == len(set(copies)) == 92
    assert "ml-workgroup/b343e657" in copies


def test_every_kaggle_name_has_a_patient(listings: dict[str, Listing]):
    listing = listings["kaggle"]
    assert count_by(listing.candidates, "finding") == {
        "bacterial pneumonia": 769,
        "normal": 403,
        "viral pneumonia": 394,
    }
    assert listing.rejected == []


@pytest.fixture(scope="module")
def hannover(tmp_path_factory: pytest.TempPathFactory) -> Listing:
    origin = Path(os.environ["CXR_MIRROR"]) / "covid-19-image-repository"
    if not origin.is_dir():
        pytest.skip("the mirror has no covid-19-image-repository")
    params = CovidImageRepositoryParams("covid_image_repository", str(origin), "0" * 40, ("COVID",))
    raw = tmp_path_factory.mktemp("hannover")
    fetch_all({"hannover": params}, SOURCES, raw)
    return SOURCES[params.kind].list_images(params, raw / "hannover", "hannover")


def test_the_hannover_collection_is_listed_whole(hannover: Listing):
    assert hannover.rejected == []
    assert len(hannover.candidates) == 243
    assert len({row.patient for row in hannover.candidates}) == 71
    assert count_by(hannover.candidates, "label") == {"COVID": 243}
    assert count_by(hannover.candidates, "view") == {"AP": 194, "PA": 49}
    assert count_by(hannover.candidates, "sex") == {"F": 63, "M": 180}


def test_the_names_of_copies_join_46_hannover_patients_with_the_covid_collection(
    hannover: Listing, listings: dict[str, Listing]
):
    copies = {row.same_as for row in listings["covid"].candidates if row.same_as}
    both = [row for row in hannover.candidates if row.same_as in copies]
    assert (len(both), len(copies)) == (82, 92)  # Hannover took ten pictures back later
    assert len({row.patient for row in both}) == 46


def test_hannover_and_the_covid_collection_share_46_patients(listings: dict[str, Listing], hannover: Listing):
    rows = [
        image_row(f"{name}/{row.path}", source=name, patient=f"{name}/{row.patient}", same_as=row.same_as)
        for name, listing in {"covid": listings["covid"], "hannover": hannover}.items()
        for row in listing.candidates
    ]
    names = joined_patients(rows, ["covid", "hannover"])
    assert all(name == patient for patient, name in names.items() if patient.startswith("covid/"))
    assert len({patient for patient, name in names.items() if name != patient}) == 46
