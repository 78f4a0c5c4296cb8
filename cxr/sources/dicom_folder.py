"""DICOM as an archive exports it: folders in folders, facts in the headers, labels in a CSV table.

No header enters the project. Each picture is decoded as training and the service decode it, and kept as PNG under a
pseudonym; `pictures.csv` beside them has what the headers say, without names, numbers and dates.
"""

import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, NamedTuple

from pydantic import Field
from pydantic.dataclasses import dataclass as settings

from cxr.common.atomic_files import replace_when_complete
from cxr.common.config import STRICT
from cxr.common.disk import disk_faults
from cxr.common.errors import ImageError, SourceError
from cxr.common.labels import Label
from cxr.common.parallel import map_in_order
from cxr.data.manifest import RejectedRow, write_rows
from cxr.imaging.decode import decode
from cxr.imaging.limits import MAX_FILE_BYTES
from cxr.sources.base import PUBLIC, Listing, Source, SourceDescription, SourceParams
from cxr.sources.dicom_facts import Pseudonyms, read_facts
from cxr.sources.http.archives import is_clutter
from cxr.sources.mirror import files_below, leads_outside, require_mirror
from cxr.sources.tables import (
    LATERAL,
    NOT_SAID,
    Meanings,
    Record,
    Vocabulary,
    inverted,
    list_records,
    picture_files,
    read_table,
    vocabulary_of,
)

TABLE = "pictures.csv"
PICTURES = "pictures"
XRAY = ("CR", "DX", "DR", "RG")
VIEWS = {"PA": "PA", "AP": "AP", "": NOT_SAID, "LL": LATERAL, "RL": LATERAL, "LATERAL": LATERAL}
NO_PICTURE = ("no_row", "no DICOM picture")
AGAIN = "then run `dvc repro --force --single-item download` and `dvc repro`"


@settings(frozen=True, config=STRICT)
class LabelColumns:
    """key: the column with an accession number, or with a file's or a folder's path below the origin."""

    key: Annotated[str, Field(min_length=1)]
    finding: Annotated[str, Field(min_length=1)]


@settings(frozen=True, config=STRICT)
class DicomFolderParams(SourceParams):
    """origin: the directory that holds the folders. labels: the CSV table below it. findings: its words by what they
    mean. chest: what BodyPartExamined may say. key: the file of the pseudonyms' key, outside the project; it is made
    once."""

    kind: Literal["dicom_folder"]
    origin: str
    key: str
    labels: str
    columns: LabelColumns
    findings: Meanings
    chest: tuple[str, ...]
    train_on: tuple[Label, ...]

    def __post_init__(self) -> None:
        inverted(self.findings, "findings")


DESCRIPTION = SourceDescription(
    what="DICOM files of one's own, exported from an archive",
    people="known to the owner of the files; not recorded here",
    licence="the owner's terms; not recorded here",
    cite="not recorded here",
)


@dataclass(frozen=True, slots=True)
class PictureRow:
    """One line of pictures.csv. path: of the PNG, which is not there where `reason` says why."""

    path: str
    patient: str
    study: str
    finding: str
    view: str
    modality: str
    body_part: str
    photometric: str
    sex: str
    age: str
    reason: str
    detail: str


class _Task(NamedTuple):
    root: Path
    path: PurePosixPath
    target: Path
    pseudonyms: Pseudonyms
    findings: Mapping[str, str]


def fetch(params: DicomFolderParams, directory: Path) -> None:
    name, root = directory.name, Path(params.origin)
    if params.origin == PUBLIC:
        raise SourceError(f"{name}: a DICOM folder has no public origin; set `origin` to your directory")
    require_mirror(root, (params.labels,), name)
    pseudonyms = Pseudonyms.of_file(Path(params.key), name)
    findings = _findings(params, root)
    secret = {os.path.realpath(params.key), os.path.realpath(root / params.labels)}
    files = [path for path in files_below(root) if not is_clutter(path) and os.path.realpath(root / path) not in secret]
    with disk_faults(f"{name}: reading {root}", directory), replace_when_complete(directory) as partial:
        (partial / PICTURES).mkdir(parents=True)
        tasks = [_Task(root, path, partial, pseudonyms, findings) for path in files]
        rows = list(map_in_order(_imported, tasks, len(tasks), f"reading {name}"))
        if not any(row.finding for row in rows):
            raise SourceError(
                f"{name}: no row of {root / params.labels} names the accession number or the path of a picture; "
                f"mend its column {params.columns.key!r}, {AGAIN}"
            )
        write_rows(sorted(rows, key=lambda row: row.path), PictureRow, partial / TABLE)


def _findings(params: DicomFolderParams, root: Path) -> dict[str, str]:
    columns = params.columns
    rows = read_table(root / params.labels, (columns.key, columns.finding))
    return {row[columns.key].replace("\\", "/").strip("/"): row[columns.finding] for row in rows}


def _imported(task: _Task) -> PictureRow:
    path = f"{PICTURES}/{task.pseudonyms.of('path', str(task.path))}.png"
    if fault := _fault(task.root, task.path):
        return _unusable(path, *fault)
    facts = read_facts(task.root / task.path, task.pseudonyms)
    if facts is None:
        return _unusable(path, *NO_PICTURE)
    said = asdict(facts)
    finding = _finding(task, said.pop("accession"))
    row = PictureRow(**{**said, "path": path, "finding": finding, "reason": "", "detail": ""})
    if facts.modality not in XRAY:  # a series of CT has a thousand slices, and nothing here needs them
        return row
    try:
        (task.target / path).write_bytes(_png((task.root / task.path).read_bytes()))
    except ImageError as error:
        return replace(row, reason="corrupt", detail=error.code)
    return row


def _fault(root: Path, path: PurePosixPath) -> tuple[str, str] | None:
    """Reason and detail of a file that must not even be opened."""
    file = root / path
    if not file.exists():  # a link to nothing
        return NO_PICTURE
    if leads_outside(root, path):
        return "link_outside", ""
    if not file.is_file():  # a pipe would keep its reader waiting for ever
        return NO_PICTURE
    size = file.stat().st_size
    return ("too_large", f"{size} bytes") if size > MAX_FILE_BYTES else None


def _unusable(path: str, reason: str, detail: str) -> PictureRow:
    nothing = {field.name: "" for field in fields(PictureRow)}
    return PictureRow(**{**nothing, "path": path, "reason": reason, "detail": detail})


def _finding(task: _Task, accession: str) -> str:
    """By the file's path, by that of the nearest folder around it, or by the accession number."""
    keys = (str(place) for place in (task.path, *task.path.parents))
    return next((task.findings[key] for key in (*keys, accession) if key and key in task.findings), "")


def _png(data: bytes) -> bytes:
    from PIL import Image

    with io.BytesIO() as buffer:
        Image.fromarray(decode(data)).save(buffer, "PNG")
        return buffer.getvalue()


def list_images(params: DicomFolderParams, directory: Path, name: str) -> Listing:
    columns = [field.name for field in fields(PictureRow)]
    rows = [PictureRow(**row) for row in read_table(directory / TABLE, columns)]
    reasons = {row.path: _rejection(row, params) for row in rows}
    rejected = {path: RejectedRow(path, name, *reason) for path, reason in reasons.items() if reason[0]}
    files = picture_files(directory, PICTURES) - rejected.keys()
    listing = list_records(_records(rows, rejected), files, _vocabulary(params), name)
    listing.rejected.extend(rejected.values())
    listing.rejected.sort(key=lambda row: row.path)
    return listing


def _rejection(row: PictureRow, params: DicomFolderParams) -> tuple[str, str]:
    """Reason and detail of what the other tables do not know, both empty where there is none."""
    if not row.reason and row.modality in XRAY and row.body_part not in params.chest:
        return "not_chest", row.body_part
    return row.reason, row.detail


def _records(rows: list[PictureRow], rejected: Mapping[str, RejectedRow]) -> Iterator[Record]:
    for row in rows:
        if row.path not in rejected:
            yield Record(row.path, row.patient, row.finding, row.view, row.modality, row.sex, row.age)


def _vocabulary(params: DicomFolderParams) -> Vocabulary:
    return vocabulary_of(TABLE, params.findings, VIEWS, XRAY, unlabelled=("",))


SOURCE = Source(DicomFolderParams, fetch, list_images, DESCRIPTION)
