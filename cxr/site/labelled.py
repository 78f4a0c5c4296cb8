"""A site's labelled pictures, read as any source is: class folders, a table of files, or a table for DICOM files."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from cxr.common.errors import SourceError
from cxr.common.labels import CLASSES, Label
from cxr.data.manifest import ImageRow, RejectedRow
from cxr.sources import SOURCES, SourceParams
from cxr.sources.base import SourceDescription
from cxr.sources.dicom_folder import DicomFolderParams, LabelColumns
from cxr.sources.folder import FolderParams
from cxr.sources.github_table import GithubTableParams, TableColumns
from cxr.sources.index import build_index
from cxr.sources.persons import joined_patients
from cxr.sources.settings import DownloadParams
from cxr.sources.tables import Meanings

# What a table may say in its column `label`.
WORDS: Meanings = {"COVID": ("COVID", "positive", "1"), "NonCOVID": ("NonCOVID", "negative", "0"), "skipped": ("",)}
KEYS = ("file", "accession")  # of a table for DICOM files: what a row is about
BOTH: tuple[Label, ...] = ("NonCOVID", "COVID")
FORMS = (
    "name a folder with the folders COVID and NonCOVID; a CSV table with the columns file, patient and label (and view,"
    " sex, age where known); or, for DICOM files, a CSV table beside them with the columns file or accession, and label"
)


@dataclass(frozen=True)
class LabelledSite:
    """rows: pictures that decode, of both labels; their paths are below `root`. rejected: every other file, with the
    reason. Patients who have one file in common are one. converted: the files are not as the service will see them."""

    rows: list[ImageRow]
    rejected: list[RejectedRow]
    root: Path
    converted: bool = False


@contextmanager
def labelled(where: Path, patient: str) -> Iterator[LabelledSite]:
    """patient: a regular expression whose first group, found in a file's name, is the patient's id; only for class
    folders. Raises SourceError where nothing can be read, or a label has no picture.

    DICOM files whose table names no patients are decoded into a temporary folder first, under pseudonyms, which is
    gone at the end.
    """
    place = where.resolve()
    if place.is_dir():
        yield _indexed(place.name, _class_folders(place, patient), place.parent)
        return
    header = _header(place)
    if {"file", "patient", "label"} <= set(header):
        _require_relative(place)
        site = _indexed(place.parent.name, _table(place, header), place.parent.parent)
        # The table says what is tested; other files that lie beside it are none of it.
        yield replace(site, rejected=[row for row in site.rejected if row.reason != "no_row"])
        return
    key = next((name for name in KEYS if name in header), None)
    if key is None or "label" not in header:
        raise SourceError(f"{where} has the columns {', '.join(header) or 'none'}; {FORMS}")
    with TemporaryDirectory(prefix="cxr-site-") as folder:
        params = _dicom(place, key, Path(folder) / "pseudonyms.key")
        SOURCES[params.kind].fetch(params, Path(folder) / place.parent.name)
        yield replace(_indexed(place.parent.name, params, Path(folder)), converted=True)


def _indexed(name: str, params: SourceParams, root: Path) -> LabelledSite:
    index = build_index(DownloadParams({name: params}, {}), root)
    there = {row.label for row in index.images}
    if missing := [label for label in CLASSES if label not in there]:
        first = "; ".join(f"{row.path}: {row.reason} {row.detail}".strip() for row in index.rejected[:3])
        raise SourceError(
            f"{root / name} has no usable picture labelled {' or '.join(missing)}; a verdict needs both labels"
            + (f" ({len(index.rejected)} files cannot be used; the first: {first})" if first else "")
        )
    person = joined_patients([replace(row, same_as=row.sha256) for row in index.images], [name])
    rows = [replace(row, patient=person[row.patient]) for row in index.images]
    return LabelledSite(rows, index.rejected, root)


def _class_folders(place: Path, patient: str) -> FolderParams:
    missing = [label for label in CLASSES if not (place / label).is_dir()]
    if missing:
        raise SourceError(f"{place} has no folder {' and no folder '.join(missing)}; {FORMS}")
    if not patient:
        raise SourceError(
            f"{place}: whose pictures are these? Name --patient, a regular expression whose first group, found in a "
            "file's name, is the patient's id, such as '^([^_]+)_'; or give a CSV table with the column patient"
        )
    classes: dict[str, Label | Literal["other"]] = {label: label for label in BOTH}
    return FolderParams("folder", str(place), classes, patient, BOTH)


def _header(place: Path) -> list[str]:
    try:
        with place.open(newline="", encoding="utf-8-sig") as handle:
            return next(csv.reader(handle), [])
    except FileNotFoundError:
        raise SourceError(f"{place} does not exist; {FORMS}") from None
    except (csv.Error, UnicodeDecodeError):
        raise SourceError(f"{place} is neither a folder nor a CSV table in UTF-8; {FORMS}") from None


def _require_relative(place: Path) -> None:
    with place.open(newline="", encoding="utf-8-sig") as handle:
        for number, row in enumerate(csv.DictReader(handle), start=2):
            if Path(row["file"] or "").is_absolute():
                raise SourceError(
                    f"{place}, line {number}: the column file has {row['file']}; name each file by its place below the "
                    f"table's folder, {place.parent}"
                )


def _table(place: Path, header: list[str]) -> GithubTableParams:
    known = {name: name if name in header else "" for name in ("view", "sex", "age")}
    return GithubTableParams(
        kind="github_table",
        origin=str(place.parent),
        repository="a/site",
        revision="",
        table=place.name,
        images=".",
        columns=TableColumns(file="file", patient="patient", finding="label", modality="", **known),
        patient="(.+)",
        findings=WORDS,
        views={
            "PA": ("PA",),
            "AP": ("AP",),
            "AP Supine": ("AP Supine",),
            "not said": ("",),
            "lateral": ("lateral", "L", "LL"),
        },
        xray=(),
        description=SourceDescription(),
        train_on=BOTH,
    )


def _dicom(place: Path, key: str, secret: Path) -> DicomFolderParams:
    return DicomFolderParams(
        kind="dicom_folder",
        origin=str(place.parent),
        key=str(secret),
        labels=place.name,
        columns=LabelColumns(key, "label"),
        findings=WORDS,
        chest=("CHEST", "THORAX", "LUNG", ""),
        train_on=BOTH,
    )
