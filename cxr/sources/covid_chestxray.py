"""GitHub ieee8023/covid-chestxray-dataset: metadata.csv, images/ and annotations/.

Both generations of its findings are read: "COVID-19, ARDS" and, later, "Pneumonia/Viral/COVID-19".
"""

import re
from collections.abc import Iterable, Mapping, Set
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic.dataclasses import dataclass as settings

from cxr.common.config import STRICT
from cxr.common.labels import Label
from cxr.data.manifest import FRONTAL_VIEWS, LungMask
from cxr.sources.base import PUBLIC, Candidate, Listing, Source, SourceDescription, SourceParams
from cxr.sources.http.github import fetch_repository
from cxr.sources.mirror import copy_mirror
from cxr.sources.tables import LATERAL, NOT_FRONTAL, Record, Vocabulary, list_records, picture_files, read_table

REPOSITORY = "ieee8023/covid-chestxray-dataset"
METADATA = "metadata.csv"
IMAGES = "images"
MASKS = "annotations/lungVAE-masks"  # a network's, checked by eye (Selvan et al. 2020)
MASK_ENDING = "_mask.png"  # some names end in _mask.png.png
# volumes/ is left behind: computed tomography, several times the size of all the rest.
KEPT = (METADATA, IMAGES, "annotations")
COLUMNS = ("patientid", "sex", "age", "finding", "view", "modality", "folder", "filename", "url")

COVID = "COVID-19"
NOT_RECORDED = ("", "todo", "Unknown")
OTHER_FINDINGS = frozenset(
    (
        *("No Finding", "Pneumonia", "Viral", "Bacterial", "Fungal", "Lipoid", "Aspiration", "ARDS"),
        *("SARS", "MERS-CoV", "Influenza", "H1N1", "Varicella", "Herpes"),
        *("Streptococcus", "Staphylococcus", "MRSA", "Klebsiella", "Legionella", "Chlamydophila", "E.Coli"),
        *("Mycoplasma", "Mycoplasma Bacterial Pneumonia", "Nocardia", "Tuberculosis"),
        *("Pneumocystis", "Aspergillosis"),
    )
)
# As the metadata says it. An erect AP picture is an AP picture.
VIEWS = {
    **{view: view for view in FRONTAL_VIEWS},
    "AP Erect": "AP",
    **dict.fromkeys(("L", "Lateral"), LATERAL),
    **dict.fromkeys(("Axial", "Coronal", "Sagittal"), NOT_FRONTAL),
}
# A collection that some rows were copied from, by a piece of their `url`. Its pictures keep their names.
COPIED_FROM = ("ml-workgroup",)


@settings(frozen=True, config=STRICT)
class CovidChestxrayParams(SourceParams):
    """origin: PUBLIC, or a directory that mirrors the collection. revision: the commit of the public one."""

    kind: Literal["covid_chestxray"]
    origin: str
    revision: str
    train_on: tuple[Label, ...]


DESCRIPTION = SourceDescription(
    what="COVID-19 Image Data Collection, GitHub ieee8023/covid-chestxray-dataset",
    people="adults of many hospitals, in images found in publications and on web sites",
    licence="each image its own, CC BY-NC-SA for most; the collection CC BY-NC-SA 4.0: not for commercial use",
    cite="Cohen, Morrison, Dao 2020, arXiv:2003.11597",
)


def fetch(params: CovidChestxrayParams, directory: Path) -> None:
    if params.origin == PUBLIC:
        fetch_repository(REPOSITORY, params.revision, directory, is_kept)
    else:
        copy_mirror(params.origin, directory, (METADATA, IMAGES), is_kept)


def is_kept(path: PurePosixPath) -> bool:
    return path.parts[0] in KEPT


def list_images(params: CovidChestxrayParams, directory: Path, name: str) -> Listing:
    files = picture_files(directory, IMAGES)
    records = [_record(row) for row in read_table(directory / METADATA, COLUMNS)]
    listing = list_records(records, files, WORDS, name)
    listing.lung_masks.extend(_lung_masks(directory, name, _pictures_by_stem(files, listing.candidates)))
    return listing


def _record(row: Mapping[str, str]) -> Record:
    path = f"{row['folder']}/{row['filename']}"
    facts = {key: row[key] for key in ("finding", "view", "modality", "sex", "age")}
    return Record(path, row["patientid"], **facts, same_as=_same_as(path, row["url"]))


def _same_as(path: str, url: str) -> str:
    """ "ml-workgroup/b343e657" of images/b343e657.jpg; "" where the row names no collection that has a name here."""
    owners = [owner for owner in COPIED_FROM if owner in PurePosixPath(url).parts]
    return f"{owners[0]}/{PurePosixPath(path).stem}" if owners else ""


def _pictures_by_stem(files: Set[str], candidates: Iterable[Candidate]) -> dict[str, str]:
    """Name without folder and suffix, to the path; where two share it, a candidate comes before other pictures."""
    paths = [*sorted(files), *(candidate.path for candidate in candidates)]
    return {PurePosixPath(path).stem: path for path in paths}


def _lung_masks(directory: Path, name: str, pictures: Mapping[str, str]) -> list[LungMask]:
    """A mask belongs to the picture whose stem its name begins with."""
    names = sorted(path.name for path in (directory / MASKS).glob(f"*{MASK_ENDING}*"))
    return [LungMask(f"{MASKS}/{file}", name, pictures.get(file.split(MASK_ENDING)[0], "")) for file in names]


def label_of(finding: str) -> str | None:
    """COVID where COVID-19 is one of the finding's elements, NonCOVID where all of them are known, else None."""
    elements = [element.strip() for element in re.split("[,/]", finding)]
    if COVID in elements:
        return "COVID"
    return "NonCOVID" if OTHER_FINDINGS.issuperset(elements) else None


WORDS = Vocabulary(METADATA, label_of, NOT_RECORDED, VIEWS, xray=("X-ray",))
SOURCE = Source(CovidChestxrayParams, fetch, list_images, DESCRIPTION)
