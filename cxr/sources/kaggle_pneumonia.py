"""Kaggle paultimothymooney/chest-xray-pneumonia: children of one to five years, none with COVID-19.

Its zip carries a second copy of everything in chest_xray/chest_xray/, and __MACOSX/; both are left behind.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass as settings

from cxr.common.config import STRICT
from cxr.common.errors import SourceError
from cxr.common.labels import Label
from cxr.sources.base import PUBLIC, Candidate, Listing, Source, SourceDescription, SourceParams
from cxr.sources.http import archives
from cxr.sources.http.archives import is_clutter
from cxr.sources.http.kaggle_api import DATASET, OWNER, dataset_opener
from cxr.sources.http.transfer import Download, Patience
from cxr.sources.mirror import copy_mirror

PATIENCE = Patience()
TOP = "chest_xray"
PARTS = ("train", "test", "val")
CLASSES = ("NORMAL", "PNEUMONIA")
_PERSON = re.compile(r"(person\d+)_(bacteria|virus)_")
# IM-0383 and NORMAL2-IM-0383 count as one person. Nobody has said that they are; but if they were and stood
# for two, one person could end up on two splits, while the reverse only makes a group larger.
_NUMBER = re.compile(r"(?:NORMAL2-)?(IM-\d+)-")


@settings(frozen=True, config=STRICT)
class KagglePneumoniaParams(SourceParams):
    """Every image is NonCOVID. origin: PUBLIC, or a directory that mirrors the collection. version: of the Kaggle
    dataset."""

    kind: Literal["kaggle_pneumonia"]
    origin: str
    train_on: tuple[Label, ...]
    version: Annotated[int, Field(ge=1, le=10_000)]


DESCRIPTION = SourceDescription(
    what="Chest X-Ray Images (Pneumonia), Kaggle paultimothymooney/chest-xray-pneumonia",
    people="children of one to five years of one hospital in Guangzhou, taken before 2020",
    licence="CC BY 4.0",
    cite="Kermany et al. 2018, Cell 172, doi:10.1016/j.cell.2018.02.010",
)


def fetch(params: KagglePneumoniaParams, directory: Path) -> None:
    if params.origin == PUBLIC:
        _download(params.version, directory)
    else:
        copy_mirror(params.origin, directory, (TOP,), is_kept)


def _download(version: int, directory: Path) -> None:
    what = f"{directory.name}: Kaggle dataset {OWNER}/{DATASET}, version {version}"
    job = Download(dataset_opener(version, what, PATIENCE), what, PATIENCE)
    with archives.fetched(job, directory, f"version-{version}.zip") as archive:
        archives.unpack(archive, directory, lambda path: path if is_kept(path) else None, what)


def is_kept(path: PurePosixPath) -> bool:
    """chest_xray/<part>/<class>/<file>, exactly so deep: the nested copy lies one deeper."""
    match path.parts:
        case (top, part, label, _):
            return top == TOP and part in PARTS and label in CLASSES
    return False


def list_images(params: KagglePneumoniaParams, directory: Path, name: str) -> Listing:
    paths = (path.relative_to(directory) for path in (directory / TOP).glob("*/*/*"))
    files = sorted(path.as_posix() for path in paths)
    kept = [file for file in files if is_kept(PurePosixPath(file)) and not is_clutter(PurePosixPath(file))]
    if not kept:
        raise SourceError(f"{directory} holds no {TOP}/train/NORMAL or the like; run the download stage again")
    return Listing([_candidate(path, directory) for path in kept])


def _candidate(path: str, directory: Path) -> Candidate:
    patient, finding = patient_and_finding(PurePosixPath(path).name, directory)
    return Candidate(path=path, label="NonCOVID", patient=patient, finding=finding)


def patient_and_finding(filename: str, directory: Path) -> tuple[str, str]:
    """E.g. ("person12", "bacterial pneumonia") of person12_bacteria_46.jpeg; ("IM-0383", "normal")."""
    if person := _PERSON.match(filename):
        kind = {"bacteria": "bacterial", "virus": "viral"}[person[2]]
        return person[1], f"{kind} pneumonia"
    if number := _NUMBER.match(filename):
        return number[1], "normal"
    raise SourceError(
        f"{directory}: {filename} names no patient; expected personN_bacteria_N, personN_virus_N, IM-N-N or "
        "NORMAL2-IM-N-N, so remove the file from the mirror or mend its name"
    )


SOURCE = Source(KagglePneumoniaParams, fetch, list_images, DESCRIPTION)
