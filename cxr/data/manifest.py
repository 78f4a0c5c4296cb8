"""The image table: one row per usable image, one rejected row per image that is not, with its reason.

A plain CSV file and a frozen dataclass: reading it must not cost a stage the start of pandas.
"""

import csv
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, TextIO, TypeVar, get_args

from cxr.common.atomic_files import replace_when_complete
from cxr.common.errors import CxrError
from cxr.common.labels import CLASSES

FRONTAL_VIEWS = ("PA", "AP", "AP Supine")
ROLES = ("train", "audit", "external")
Shown = Literal["ct", "lateral", "other"]  # other: of no chest, another part of the body for one
OTHER_VIEWS: tuple[Shown, ...] = get_args(Shown)

# Every reason why an image may be left out, with what it means; the data report counts by these.
REJECTIONS = {
    "no_file": "the metadata names a file that is not there",
    "no_row": "a file that the metadata does not name",
    "bad_name": "the name holds a control character, or is not in UTF-8",
    "link_outside": "a symbolic link that leads out of the source's directory",
    "too_large": "the file has more bytes than any picture that is read",
    "not_xray": "the modality is not X-ray",
    "not_chest": "the body part is not the chest",
    "not_frontal": "the view is not one of " + ", ".join(FRONTAL_VIEWS),
    "unknown_view": "the view is not known",
    "unlabelled": "the finding has not been recorded yet",
    "unknown_finding": "the finding is not in the source's list of findings",
    "empty_file": "0 bytes",
    "corrupt": "the picture cannot be decoded to its end",
    "exposure": "the picture is blank, almost all dark or almost all bright",
    "conflicting_labels": "the same picture carries both labels",
    "near_duplicate_across_split": "only tested on, and it or its patient is in the split under another name",
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a source. path: with forward slashes, unique; relative to data/raw in the tables that are written,
    to the source's folder in what a source lists."""

    path: str
    source: str

    def _require(self, what: str, value: str, allowed: Collection[str]) -> None:
        if value not in allowed:
            raise CxrError(f"{self.path}: {what} {value!r} is not one of {allowed}")


@dataclass(frozen=True, slots=True)
class ImageRow(SourceFile):
    """One usable frontal chest X-ray.

    patient: "source/id", so that two sources' ids never meet; of a person who is in several sources, the name in the
    first of them (cxr/sources/persons.py). view: one of FRONTAL_VIEWS, or "" where the source does not say. age: years
    or "". sha256: of the file's bytes. phash: perceptual hash, 64 hex digits (256 bits). width, height: pixels of the
    original. role: "train" takes part in the split; "audit" and "external" are only ever tested on.
    same_as: a name that all copies of this picture bear, in every source whose records tell; "" where none does.
    """

    label: str
    patient: str
    view: str
    finding: str
    sex: str
    age: str
    sha256: str
    phash: str
    width: int
    height: int
    role: str
    same_as: str = ""

    def __post_init__(self) -> None:
        self._require("label", self.label, CLASSES)
        self._require("role", self.role, ROLES)
        if self.view:
            self._require("view", self.view, FRONTAL_VIEWS)


@dataclass(frozen=True, slots=True)
class RejectedRow(SourceFile):
    """One image that is not used. reason: a key of REJECTIONS. detail: what was found, e.g. the view's name."""

    reason: str
    detail: str

    def __post_init__(self) -> None:
        self._require("reason", self.reason, sorted(REJECTIONS))


@dataclass(frozen=True, slots=True)
class OtherView(SourceFile):
    """A picture that is no frontal X-ray, and can teach the gate what one is not.

    patient: as in ImageRow. shown: one of OTHER_VIEWS.
    """

    patient: str
    shown: str

    def __post_init__(self) -> None:
        self._require("shown", self.shown, OTHER_VIEWS)


@dataclass(frozen=True, slots=True)
class LungMask(SourceFile):
    """A file that outlines the lungs of a picture: light inside, dark outside, of any size.

    picture: the path of that picture, "" where there is none.
    """

    picture: str


Row = TypeVar("Row")


def write_rows(rows: Iterable[Row], row_type: type[Row], path: Path) -> None:
    """Write dataclass rows as CSV with a header; the file appears only when it is complete."""
    names = [field.name for field in fields(row_type)]  # type: ignore[arg-type]
    with replace_when_complete(path) as partial, partial.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(_Lines(handle), lineterminator="\r\n")
        writer.writerow(names)
        writer.writerows([getattr(row, name) for name in names] for row in rows)


class _Lines:
    """Ends lines in "\\n". Told so itself, Python 3.11's csv would not quote a "\\r", which its reader then refuses."""

    def __init__(self, handle: TextIO):
        self._handle = handle

    def write(self, line: str) -> int:
        return self._handle.write(line.removesuffix("\r\n") + "\n")


def read_rows(row_type: type[Row], path: Path) -> list[Row]:
    """Read what `write_rows` wrote. Raises CxrError that names file, line and column."""
    columns = {field.name: field.type for field in fields(row_type)}  # type: ignore[arg-type]
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle)
            if reader.fieldnames is None or set(reader.fieldnames) != set(columns):
                raise CxrError(
                    f"{path}: columns are {reader.fieldnames}, expected {list(columns)}; "
                    "delete the file and run `dvc repro` again"
                )
            return [_parse(row_type, columns, record, f"{path}, line {reader.line_num}") for record in reader]
    except FileNotFoundError:
        raise CxrError(f"{path} is missing; `dvc repro` makes it") from None
    except (csv.Error, UnicodeDecodeError) as fault:
        raise CxrError(f"{path} is not a CSV table ({fault}); delete the file and run `dvc repro` again") from None


def _parse(row_type: type[Row], columns: dict, record: dict, where: str) -> Row:
    try:
        return row_type(**{name: _value(record, name, kind) for name, kind in columns.items()})
    except (CxrError, ValueError) as fault:
        raise CxrError(f"{where}: {fault}; delete the file and run `dvc repro` again") from None


def _value(record: dict, name: str, kind: type) -> str | int:
    text = record[name]
    if text is None or None in record:  # as csv.DictReader tells of too few and of too many values
        raise ValueError("the line has another number of values than the header")
    if kind is not int:
        return text
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{name} {text!r} is not a whole number") from None


def count_by(rows: Sequence[object], *names: str) -> dict[str, int]:
    """How many rows carry each value (or combination, joined by "/") of the named columns, sorted by name."""
    counts: dict[str, int] = {}
    for row in rows:
        key = "/".join(str(getattr(row, name)) for name in names)
        counts[key] = counts.get(key, 0) + 1
    return dict(sorted(counts.items()))
