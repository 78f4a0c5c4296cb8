"""GitHub ieee8023/covid-chestxray-dataset: metadata.csv, images/ and annotations/.

Both generations of its findings are read: "COVID-19, ARDS" and, later, "Pneumonia/Viral/COVID-19".
"""

import csv
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from cxr.common.errors import SourceError
from cxr.data.manifest import FRONTAL_VIEWS, RejectedRow
from cxr.sources.base import Candidate, Listing, Source
from cxr.sources.http import archives
from cxr.sources.http.archives import is_clutter
from cxr.sources.http.transfer import Download, Patience, url_opener
from cxr.sources.mirror import copy_mirror
from cxr.sources.settings import PUBLIC, CovidChestxrayParams

ARCHIVE_URL = "https://codeload.github.com/ieee8023/covid-chestxray-dataset/zip/{revision}"
PATIENCE = Patience()
METADATA = "metadata.csv"
IMAGES = "images"
# volumes/ is left behind: computed tomography, several times the size of all the rest.
KEPT = (METADATA, IMAGES, "annotations")
COLUMNS = ("patientid", "sex", "age", "finding", "view", "modality", "folder", "filename")

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

Record = dict[str, str]


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
    files = {path.relative_to(directory).as_posix() for path in (directory / IMAGES).rglob("*") if path.is_file()}
    files = {file for file in files if not is_clutter(PurePosixPath(file))}
    records = _group_by_file(read_metadata(directory / METADATA))
    patients = _merge_patients(records.values())
    listing = Listing()
    for path, rows in sorted(records.items()):
        reason, detail = _rejection(path, rows, files)
        if reason:
            listing.rejected.append(RejectedRow(path, name, reason, detail))
        else:
            listing.candidates.append(_candidate(path, rows[0], patients))
    for path in sorted(files - records.keys()):
        listing.rejected.append(RejectedRow(path, name, "no_row", f"not in {METADATA}"))
    listing.rejected.sort(key=lambda row: row.path)
    return listing


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
    )


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
    view, finding = row["view"], row["finding"]
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


SOURCE = Source(fetch, list_images)
