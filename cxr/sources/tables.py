"""What sources share whose records are a CSV table with a row for each picture.

A source reads its table, says of each row which picture it is about (`Record`), and what its words mean (`Vocabulary`).
"""

import csv
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from cxr.common.errors import SourceError
from cxr.data.manifest import FRONTAL_VIEWS, OtherView, RejectedRow, Shown
from cxr.sources.base import Candidate, Listing
from cxr.sources.http.archives import is_clutter

NOT_SAID = ""  # a view that the table leaves open: the picture is used all the same
LATERAL = "lateral"
NOT_FRONTAL = "not frontal"
VIEWS = (*FRONTAL_VIEWS, NOT_SAID, LATERAL, NOT_FRONTAL)
CT = "CT"

# As params.yaml explains findings: each key holds the table's words that mean it.
Words = tuple[str, ...]
Meanings = dict[Literal["COVID", "NonCOVID", "skipped"], Words]


@dataclass(frozen=True, slots=True)
class Record:
    """One row, in the table's own words. path: of the picture, below the source's folder. patient: "" where none is
    known. same_as: as in Candidate."""

    path: str
    patient: str
    finding: str
    view: str
    modality: str
    sex: str
    age: str
    same_as: str = ""


@dataclass(frozen=True)
class Vocabulary:
    """What a table's words mean.

    table: the table's name, for people. label_of: a finding's label, None for a finding that is not known. unlabelled:
    findings that say that nothing is recorded. views: a word to one of VIEWS. xray: the modalities that are X-rays.
    """

    table: str
    label_of: Callable[[str], str | None]
    unlabelled: Collection[str]
    views: Mapping[str, str]
    xray: Collection[str]


def inverted(meanings: Mapping[Any, Words], key: str) -> dict[str, str]:
    """Each word of a table to what it means. Raises ValueError for a word that means two things."""
    found: dict[str, str] = {}
    for meaning, words in meanings.items():
        for word in words:
            if found.setdefault(word, meaning) != meaning:
                raise ValueError(f"{key} has {word!r} under {found[word]!r} and {meaning!r}; keep one of them")
    return found


def vocabulary_of(
    table: str, findings: Meanings, views: Mapping[str, str], xray: Collection[str], unlabelled: Collection[str] = ()
) -> Vocabulary:
    """With the findings as params.yaml has them. unlabelled: besides those that it skips."""
    labels = {word: meaning for word, meaning in inverted(findings, "findings").items() if meaning != "skipped"}
    skipped = {*findings.get("skipped", ()), *unlabelled}
    return Vocabulary(table, labels.get, skipped - labels.keys(), views, xray)


def read_table(path: Path, columns: Iterable[str]) -> list[dict[str, str]]:
    """The rows of a CSV file, these columns only, stripped. Raises SourceError for what is not such a table."""
    advice = "delete the source's folder and run again, or mend the mirror"
    names = list(columns)
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle, restval="")
            missing = [column for column in names if column not in (reader.fieldnames or ())]
            if missing:
                raise SourceError(f"{path} lacks the columns {', '.join(missing)}; {advice}")
            return [{column: row[column].strip() for column in names} for row in reader]
    except FileNotFoundError:
        raise SourceError(f"{path} is missing; run the download stage again") from None
    except (csv.Error, UnicodeDecodeError) as fault:
        raise SourceError(f"{path} is not a CSV table in UTF-8 ({fault}); {advice}") from None


def picture_files(directory: Path, folder: str) -> set[str]:
    """Paths of the files in this folder of a source, relative to the source's own folder `directory`."""
    files = {path.relative_to(directory).as_posix() for path in (directory / folder).rglob("*") if path.is_file()}
    return {file for file in files if not is_clutter(PurePosixPath(file))}


def list_records(records: Iterable[Record], files: Collection[str], words: Vocabulary, name: str) -> Listing:
    """One candidate or one rejected row for each picture that a row or a file names. name: the source's.

    Rejected CT slices and lateral views that are there can teach the gate.
    """
    by_file = _group_by_file(records)
    patients = _merge_patients(by_file.values())
    listing = Listing()
    for path, rows in sorted(by_file.items()):
        reason, detail = _rejection(rows, files, words)
        if not reason:
            listing.candidates.append(_candidate(rows[0], patients, words))
            continue
        listing.rejected.append(RejectedRow(path, name, reason, detail))
        shown = _shown(reason, detail, words)
        if shown and path in files:  # e.g. volumes of CT are named, but not downloaded
            listing.other_views.append(OtherView(path, name, patients[rows[0].patient], shown))
    for path in sorted(set(files) - by_file.keys()):
        listing.rejected.append(RejectedRow(path, name, "no_row", f"not in {words.table}"))
    listing.rejected.sort(key=lambda row: row.path)
    return listing


def _group_by_file(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Rows by the file they name: some files have two."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.path, []).append(record)
    return groups


def _merge_patients(groups: Iterable[Sequence[Record]]) -> dict[str, str]:
    """Each patient id to the one that stands for it: ids that name the same file are one person's.

    A collection may have entered a patient twice. Pictures without an id share one, since any two of them may be
    of one person.
    """
    leader: dict[str, str] = {}

    def find(patient: str) -> str:
        while leader.setdefault(patient, patient) != patient:
            patient = leader[patient]
        return patient

    for rows in groups:
        first, *others = sorted(find(row.patient) for row in rows)
        leader.update(dict.fromkeys(others, first))
    return {patient: find(patient) or "unknown" for patient in list(leader)}


def _candidate(row: Record, patients: Mapping[str, str], words: Vocabulary) -> Candidate:
    return Candidate(
        path=row.path,
        label=words.label_of(row.finding) or "",
        patient=patients[row.patient],
        view=words.views[row.view],
        finding=row.finding,
        sex=row.sex.upper(),
        age=row.age if re.fullmatch(r"\d+(\.\d+)?", row.age) else "",
        same_as=row.same_as,
    )


def _rejection(rows: Sequence[Record], files: Collection[str], words: Vocabulary) -> tuple[str, str]:
    """Reason and detail, both empty where the picture can be used."""
    for row in rows:
        reason, detail = _row_rejection(row, files, words)
        if reason:
            return reason, detail
    findings = [row.finding for row in rows]
    if len({words.label_of(finding) for finding in findings}) > 1:
        return "conflicting_labels", " and ".join(findings)
    return "", ""


def _row_rejection(row: Record, files: Collection[str], words: Vocabulary) -> tuple[str, str]:
    if row.modality not in words.xray:
        return "not_xray", row.modality
    if row.path not in files:
        return "no_file", f"named in {words.table}"
    view = words.views.get(row.view)
    if view is None or view in (LATERAL, NOT_FRONTAL):
        return ("not_frontal" if view else "unknown_view"), row.view
    if row.finding in words.unlabelled:
        return "unlabelled", row.finding
    if words.label_of(row.finding) is None:
        return "unknown_finding", row.finding
    return "", ""


def _shown(reason: str, detail: str, words: Vocabulary) -> Shown | None:
    """What the gate can learn from a rejected picture."""
    if (reason, detail) == ("not_xray", CT):
        return "ct"
    if reason == "not_frontal" and words.views[detail] == LATERAL:
        return "lateral"
    return None
