"""GitHub ieee8023/covid-chestxray-dataset: metadata.csv, images/ and annotations/.

Both generations of its findings are read: "COVID-19, ARDS" and, later, "Pneumonia/Viral/COVID-19".
"""

import csv
import re
from collections.abc import Iterable, Mapping, Set
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic.dataclasses import dataclass as settings

from cxr.common.config import STRICT
from cxr.common.errors import SourceError
from cxr.common.labels import Label
from cxr.data.manifest import FRONTAL_VIEWS, LungMask, OtherView, RejectedRow, Shown
from cxr.sources.base import PUBLIC, Candidate, Listing, Source, SourceDescription, SourceParams
from cxr.sources.http import archives
from cxr.sources.http.archives import is_clutter
from cxr.sources.http.transfer import Download, Patience, url_opener
from cxr.sources.mirror import copy_mirror

ARCHIVE_URL = "https://codeload.github.com/ieee8023/covid-chestxray-dataset/zip/{revision}"
PATIENCE = Patience()
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
# As the metadata says it, to one of FRONTAL_VIEWS. An erect AP picture is an AP picture.
FRONTAL = {**{view: view for view in FRONTAL_VIEWS}, "AP Erect": "AP"}
NOT_FRONTAL = ("L", "Lateral", "Axial", "Coronal", "Sagittal")
# Reason and detail of a rejection, to what the gate can learn from such a picture.
SHOWN: dict[tuple[str, str], Shown] = {
    ("not_xray", "CT"): "ct",
    ("not_frontal", "L"): "lateral",
    ("not_frontal", "Lateral"): "lateral",
}

# A collection that some rows were copied from, by a piece of their `url`. Its pictures keep their names.
COPIED_FROM = ("ml-workgroup",)

Record = dict[str, str]


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
        _download(params.revision, directory)
    else:
        copy_mirror(params.origin, directory, (METADATA, IMAGES), is_kept)


def _download(revision: str, directory: Path) -> None:
    what = f"{directory.name}: GitHub archive of revision {revision}"
    if not re.fullmatch("[0-9a-f]{40}", revision):
        raise SourceError(f"{what}: a revision is a commit's id of 40 hex digits; correct it in params.yaml")
    advice = {404: "check `revision` in params.yaml against the commits of ieee8023/covid-chestxray-dataset"}
    job = Download(url_opener(ARCHIVE_URL.format(revision=revision), PATIENCE), what, PATIENCE, advice)
    with archives.fetched(job, directory, f"{revision}.zip") as archive:
        commit = archives.comment_of(archive, what)
        if commit != revision:
            raise archives.BadArchiveError(f"{what}: the archive that came is of {commit or 'no revision'}; run again")
        archives.unpack(archive, directory, _place, what)


def _place(path: PurePosixPath) -> PurePosixPath | None:
    """Without the top folder, which GitHub names after the commit."""
    inner = PurePosixPath(*path.parts[1:])
    return inner if inner.parts and is_kept(inner) else None


def is_kept(path: PurePosixPath) -> bool:
    return path.parts[0] in KEPT


# --- listing ----------------------------------------------------------------------------------------------


def list_images(params: CovidChestxrayParams, directory: Path, name: str) -> Listing:
    files = _picture_files(directory)
    records = _group_by_file(read_metadata(directory / METADATA))
    patients = _merge_patients(records.values())
    listing = Listing()
    for path, rows in sorted(records.items()):
        reason, detail = _rejection(path, rows, files)
        if reason:
            listing.rejected.append(RejectedRow(path, name, reason, detail))
            shown = SHOWN.get((reason, detail))
            if shown and path in files:  # volumes of CT are named, but not downloaded
                listing.other_views.append(OtherView(path, name, patients[rows[0]["patientid"]], shown))
        else:
            listing.candidates.append(_candidate(path, rows[0], patients))
    for path in sorted(files - records.keys()):
        listing.rejected.append(RejectedRow(path, name, "no_row", f"not in {METADATA}"))
    listing.rejected.sort(key=lambda row: row.path)
    listing.lung_masks.extend(_lung_masks(directory, name, _pictures_by_stem(files, listing.candidates)))
    return listing


def _picture_files(directory: Path) -> set[str]:
    """Paths relative to the source's folder."""
    files = {path.relative_to(directory).as_posix() for path in (directory / IMAGES).rglob("*") if path.is_file()}
    return {file for file in files if not is_clutter(PurePosixPath(file))}


def _pictures_by_stem(files: Set[str], candidates: Iterable[Candidate]) -> dict[str, str]:
    """Name without folder and suffix, to the path; where two share it, a candidate comes before other pictures."""
    paths = [*sorted(files), *(candidate.path for candidate in candidates)]
    return {PurePosixPath(path).stem: path for path in paths}


def _lung_masks(directory: Path, name: str, pictures: Mapping[str, str]) -> list[LungMask]:
    """A mask belongs to the picture whose stem its name begins with."""
    names = sorted(path.name for path in (directory / MASKS).glob(f"*{MASK_ENDING}*"))
    return [LungMask(f"{MASKS}/{file}", name, pictures.get(file.split(MASK_ENDING)[0], "")) for file in names]


def read_metadata(path: Path) -> list[Record]:
    """The rows of metadata.csv, COLUMNS only, stripped. Raises SourceError for what is not such a table."""
    advice = "delete the source's folder and run again, or mend the mirror"
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle, restval="")
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise SourceError(f"{path} lacks the columns {', '.join(missing)}; {advice}")
            return [{column: row[column].strip() for column in COLUMNS} for row in reader]
    except FileNotFoundError:
        raise SourceError(f"{path} is missing; run the download stage again") from None
    except (csv.Error, UnicodeDecodeError) as fault:
        raise SourceError(f"{path} is not a CSV table in UTF-8 ({fault}); {advice}") from None


def _group_by_file(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Rows by the file they name: some files have two."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(f"{record['folder']}/{record['filename']}", []).append(record)
    return groups


def _merge_patients(groups: Iterable[list[Record]]) -> dict[str, str]:
    """Each patient id to the one that stands for it: ids that name the same file are one person's.

    Upstream has entered a few patients twice. Pictures without an id share one, since any two of them may be
    of one person.
    """
    leader: dict[str, str] = {}

    def find(patient: str) -> str:
        while leader.setdefault(patient, patient) != patient:
            patient = leader[patient]
        return patient

    for rows in groups:
        first, *others = sorted(find(row["patientid"]) for row in rows)
        leader.update(dict.fromkeys(others, first))
    return {patient: find(patient) or "unknown" for patient in list(leader)}


def _candidate(path: str, row: Record, patients: dict[str, str]) -> Candidate:
    return Candidate(
        path=path,
        label=label_of(row["finding"]) or "",
        patient=patients[row["patientid"]],
        view=FRONTAL[row["view"]],
        finding=row["finding"],
        sex=row["sex"],
        age=row["age"],
        same_as=_same_as(path, row["url"]),
    )


def _same_as(path: str, url: str) -> str:
    """ "ml-workgroup/b343e657" of images/b343e657.jpg; "" where the row names no collection that has a name here."""
    owners = [owner for owner in COPIED_FROM if owner in PurePosixPath(url).parts]
    return f"{owners[0]}/{PurePosixPath(path).stem}" if owners else ""


def _rejection(path: str, rows: list[Record], files: set[str]) -> tuple[str, str]:
    """Reason and detail, both empty where the picture can be used."""
    for row in rows:
        reason, detail = _row_rejection(path, row, files)
        if reason:
            return reason, detail
    findings = [row["finding"] for row in rows]
    if len({label_of(finding) for finding in findings}) > 1:
        return "conflicting_labels", " and ".join(findings)
    return "", ""


def _row_rejection(path: str, row: Record, files: set[str]) -> tuple[str, str]:
    view = row["view"]
    finding = row["finding"]
    if row["modality"] != "X-ray":
        return "not_xray", row["modality"]
    if path not in files:
        return "no_file", f"named in {METADATA}"
    if view not in FRONTAL:
        return ("not_frontal" if view in NOT_FRONTAL else "unknown_view"), view
    if finding in NOT_RECORDED:
        return "unlabelled", finding
    if label_of(finding) is None:
        return "unknown_finding", finding
    return "", ""


def label_of(finding: str) -> str | None:
    """COVID where COVID-19 is one of the finding's elements, NonCOVID where all of them are known, else None."""
    elements = [element.strip() for element in re.split("[,/]", finding)]
    if COVID in elements:
        return "COVID"
    return "NonCOVID" if OTHER_FINDINGS.issuperset(elements) else None


SOURCE = Source(CovidChestxrayParams, fetch, list_images, DESCRIPTION)
