"""GitHub ml-workgroup/covid-19-image-repository: data.csv and png/, patients with COVID-19 of one hospital."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic.dataclasses import dataclass as settings

from cxr.common.config import STRICT
from cxr.common.labels import Label
from cxr.sources.base import PUBLIC, Listing, Source, SourceDescription, SourceParams
from cxr.sources.http.github import fetch_repository
from cxr.sources.mirror import copy_mirror
from cxr.sources.tables import Record, Vocabulary, list_records, picture_files, read_table

REPOSITORY = "ml-workgroup/covid-19-image-repository"
METADATA = "data.csv"
IMAGES = "png"
COLUMNS = ("patient_id", "image_id", "sex", "age", "modality", "projection")
FINDING = "COVID-19"  # of every patient, so that the table has no column for it


@settings(frozen=True, config=STRICT)
class CovidImageRepositoryParams(SourceParams):
    """Every image is COVID. origin: PUBLIC, or a directory that mirrors the collection. revision: the commit of the
    public one."""

    kind: Literal["covid_image_repository"]
    origin: str
    revision: str
    train_on: tuple[Label, ...]


DESCRIPTION = SourceDescription(
    what="COVID-19 Image Repository, GitHub ml-workgroup/covid-19-image-repository",
    people="patients with COVID-19 of Hannover Medical School, many of them in intensive care",
    licence="CC BY 3.0",
    cite="Winther et al. 2020, doi:10.6084/m9.figshare.12275009",
)
WORDS = Vocabulary(METADATA, lambda _: "COVID", unlabelled=(), views={"pa": "PA", "ap": "AP"}, xray=("CR", "DX"))


def fetch(params: CovidImageRepositoryParams, directory: Path) -> None:
    if params.origin == PUBLIC:
        fetch_repository(REPOSITORY, params.revision, directory, is_kept)
    else:
        copy_mirror(params.origin, directory, (METADATA, IMAGES), is_kept)


def is_kept(path: PurePosixPath) -> bool:
    """Without nii/, which holds a note about larger files."""
    return path.parts[0] in (METADATA, IMAGES)


def list_images(params: CovidImageRepositoryParams, directory: Path, name: str) -> Listing:
    records = [_record(row) for row in read_table(directory / METADATA, COLUMNS)]
    return list_records(records, picture_files(directory, IMAGES), WORDS, name)


def _record(row: Mapping[str, str]) -> Record:
    image = row["image_id"]
    return Record(
        path=f"{IMAGES}/{image}.png",
        patient=row["patient_id"],
        finding=FINDING,
        view=row["projection"],
        modality=row["modality"],
        sex=row["sex"],
        age=row["age"],
        same_as=f"ml-workgroup/{image}",  # as covid_chestxray calls its copies
    )


SOURCE = Source(CovidImageRepositoryParams, fetch, list_images, DESCRIPTION)
