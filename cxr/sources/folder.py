"""Class folders of one's own: <origin>/<folder>/…, where params.yaml says which label each folder has."""

from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic.dataclasses import dataclass as settings

from cxr.common.config import STRICT
from cxr.common.errors import SourceError
from cxr.common.labels import Label
from cxr.data.manifest import RejectedRow
from cxr.sources.base import PUBLIC, Candidate, Listing, Source, SourceDescription, SourceParams
from cxr.sources.http.archives import is_clutter
from cxr.sources.mirror import copy_mirror
from cxr.sources.patient_ids import expression_of, patient_in

IMAGE_SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".heic",
    ".heif",
    ".avif",
    ".dcm",
    ".dicom",
    ".bmp",
    ".tif",
    ".tiff",
)


@settings(frozen=True, config=STRICT)
class FolderParams(SourceParams):
    """origin: the directory that holds the folders. classes: folder name to label. patient: a regular expression whose
    first group, found in the file name, is the patient's id."""

    kind: Literal["folder"]
    origin: str
    classes: dict[str, Label]
    patient: str
    train_on: tuple[Label, ...]


DESCRIPTION = SourceDescription(
    what="class folders that params.yaml names",
    people="known to the owner of the folders; not recorded here",
    licence="the owner's terms; not recorded here",
    cite="not recorded here",
)


def fetch(params: FolderParams, directory: Path) -> None:
    if params.origin == PUBLIC:
        raise SourceError(f"{directory.name}: a folder source has no public origin; set `origin` to your directory")
    expression_of(params.patient, directory.name)  # a wrong one is better found before the copying
    copy_mirror(params.origin, directory, tuple(params.classes), lambda path: path.parts[0] in params.classes)


def list_images(params: FolderParams, directory: Path, name: str) -> Listing:
    expression = expression_of(params.patient, name)
    listing = Listing()
    for path in _files(params, directory):
        if not _may_be_image(path):
            detail = f"suffix {path.suffix!r} is not an image's"
            listing.rejected.append(RejectedRow(str(path), name, "no_row", detail))
            continue
        folder = path.parts[0]
        patient = patient_in(path.name, expression, f"{name}: {path}")
        listing.candidates.append(Candidate(str(path), params.classes[folder], patient, finding=folder))
    return listing


def _files(params: FolderParams, directory: Path) -> list[PurePosixPath]:
    found = (file for folder in params.classes for file in (directory / folder).rglob("*") if file.is_file())
    paths = (PurePosixPath(file.relative_to(directory).as_posix()) for file in found)
    return sorted((path for path in paths if not is_clutter(path)), key=str)


def _may_be_image(path: PurePosixPath) -> bool:
    """DICOM exports often have no suffix, or end in a piece of their number; the decoder will tell."""
    suffix = path.suffix.lower()
    return suffix in IMAGE_SUFFIXES or suffix == "" or suffix[1:].isdigit()


SOURCE = Source(FolderParams, fetch, list_images, DESCRIPTION)
