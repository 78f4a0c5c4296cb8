"""The header of a source image, cleaned so that results can be made of it: whose study it is, and what is shown.

Archives hold headers that break the standard. What names the patient and the study is kept letter by letter, since a
result under a mended name would be another patient's. What is only said beside it is left empty where it is wrong.
"""

import copy
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.uid import UID

from cxr.common.errors import ResultError

UTF_8 = "ISO_IR 192"  # what every name can be written in, whatever the source's character set was
REQUIRED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
UID_LETTERS = re.compile(r"[0-9.]{1,64}")
UNREADABLE = (ValueError, TypeError, AttributeError, NotImplementedError, OverflowError, BytesLengthException)
COUNTS = ("Rows", "Columns", "SamplesPerPixel", "BitsStored", "InstanceNumber")
# Copied as they are; those that the standard demands, though they may be empty, are there afterwards.
DEMANDED = ("PatientName", "PatientID", "AccessionNumber", "StudyID", "ReferringPhysicianName")
NAMES = ("PatientName", "ReferringPhysicianName")
ALSO = (
    "IssuerOfPatientID",
    "IssuerOfAccessionNumberSequence",
    "OtherPatientIDsSequence",
    "PatientAge",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "StudyDescription",
    "TimezoneOffsetFromUTC",
)
CHECKED = {
    "PatientBirthDate": re.compile(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"),
    "PatientSex": re.compile("[MFO]"),
    "StudyDate": re.compile(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"),
    "StudyTime": re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?"),
}
# Of the picture: what a presentation state and a reference need.
PICTURE = (
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsStored",
    "BurnedInAnnotation",
    "Modality",
    "InstanceNumber",
    "PatientOrientation",
    "ImagerPixelSpacing",
    "PixelSpacing",
    "PixelAspectRatio",
    "WindowCenter",
    "WindowWidth",
    "WindowCenterWidthExplanation",
    "VOILUTFunction",
    "VOILUTSequence",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "ModalityLUTSequence",
)


def source_header(source: Dataset) -> Dataset:
    """What results take from `source`, in UTF-8. Raises ResultError where the image cannot be referred to."""
    uids = {keyword: _uid(source, keyword) for keyword in REQUIRED}
    kind = UID(uids["SOPClassUID"])
    if "Image Storage" not in kind.name:  # a private kind has no name
        raise ResultError(f"the source is a {kind.name}, which is no kind of image that a result can refer to")
    header = Dataset()
    header.SpecificCharacterSet = UTF_8
    for keyword, uid in uids.items():
        setattr(header, keyword, uid)
    for keyword in (*DEMANDED, *ALSO, *PICTURE):
        _copy(source, header, keyword)
    for keyword in DEMANDED:
        if keyword not in header:
            setattr(header, keyword, "")
    for keyword, form in CHECKED.items():
        value = _text(source, keyword).upper()
        setattr(header, keyword, value if form.fullmatch(value) else "")
    return header


@contextmanager
def without_names(header: Dataset) -> Iterator[Callable[[Dataset], Dataset]]:
    """Keeps the names of persons from highdicom, which prints those that it finds odd. Yields what gives an object
    the names that it should have; the header has them again afterwards."""
    names = {keyword: header[keyword].value for keyword in NAMES}
    for keyword in NAMES:
        setattr(header, keyword, "")
    yield lambda made: _named(made, names)
    _named(header, names)


def _named(made: Dataset, names: dict[str, Any]) -> Dataset:
    for keyword, name in names.items():
        setattr(made, keyword, name)
    return made


def _copy(source: Dataset, header: Dataset, keyword: str) -> None:
    """Nothing where the element is absent, empty, or not of its type."""
    try:
        value = source.get(keyword)
        if value is None or value in ("", []) or (keyword in COUNTS and not isinstance(value, int)):
            return
        setattr(header, keyword, copy.deepcopy(value))
    except UNREADABLE:
        return


def _uid(source: Dataset, keyword: str) -> str:
    """Letter by letter, also one that breaks the standard by a leading zero. Raises ResultError where it is none."""
    text = _text(source, keyword)
    if not text:
        raise ResultError(f"the source image has no {keyword}, so no result can refer to it")
    if not UID_LETTERS.fullmatch(text):
        raise ResultError(f"the source image's {keyword} is no UID, so no result can refer to it")
    return text


def _text(source: Dataset, keyword: str) -> str:
    try:
        value = source.get(keyword)
    except UNREADABLE:
        return ""
    return "" if value is None else str(value).strip(" \0")
