"""Class folders of one's own: <origin>/<folder>/…, where params.yaml says which label each folder has.

A folder of the class `other` holds pictures of no chest, hands for one: none is classified, and the gate learns from
them what to refuse.
"""

from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic.dataclasses import dataclass as settings

from cxr.common.config import STRICT
from cxr.common.errors import SourceError
from cxr.common.labels import Label
from cxr.data.manifest import OtherView, RejectedRow
from cxr.sources.base import PUBLIC, Candidate, Listing, Source, SourceDescription, SourceParams
from cxr.sources.http.archives import is_clutter
from cxr.sources.mirror import copy_mirror
from cxr.sources.patient_ids import expression_of, patient_in

OTHER = "other"
IMAGE_SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".bmp", ".tif", ".tiff", ".dcm", ".dicom"]
)


@settings(frozen=True, config=STRICT)
class FolderParams(SourceParams):
    """origin: the directory that holds the folders. classes: folder name to label, or to "other". patient: a
    regular expression whose first group, found in the file name, is the patient's id."""

    kind: Literal["folder"]
    origin: str
    classes: dict[str, Label | Literal["other"]]
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
        label = params.classes[folder]
        if label == OTHER:
            listing.rejected.append(RejectedRow(str(path), name, "not_chest", folder))
            listing.other_views.append(OtherView(str(path), name, patient, OTHER))
        else:
            listing.candidates.append(Candidate(str(path), label, patient, finding=folder))
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
