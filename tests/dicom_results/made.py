"""What the tests of results share: a source image in memory, answers about it, and dcmtk's programs."""

import io
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from cxr.inference.answer import Answer, heatmap
from cxr.inference.remarks import Remark
from tests.fuzz.samples import dicom, ramp

WHEN = datetime(2026, 11, 27, 9, 30, 15, 250000)
MODEL = {"name": "covid-cxr", "version": "0123456789ab", "backbone": "tiny"}
SHARES = np.array([[0.1, -0.2, 0.0], [2.0, 1.5, -0.3], [-0.4, 0.2, -1.9]])
WARNINGS = (Remark("shortcut_flagged", "The audit found it."), Remark("near_threshold", "It is close."))
COVID = Answer("COVID", 97.1, {"NonCOVID": 0.029, "COVID": 0.971}, 0.4, WARNINGS, heatmap(SHARES), 0.8)
AT_SITE = replace(COVID, triage="likely", site="St. Example", profile="0123456789ab")
NON_COVID = Answer("NonCOVID", 88.0, {"NonCOVID": 0.88, "COVID": 0.12}, 0.4)
REFUSED = Answer("Refused", None, None, 0.4, reason=Remark("lateral", "This looks like a lateral view."))
WHOLE = {
    "StudyInstanceUID": "1.2.3.4",
    "SeriesInstanceUID": "1.2.3.4.5",
    "SOPInstanceUID": "1.2.3.4.5.6",
    "SpecificCharacterSet": "ISO_IR 100",
    "PatientName": "Müller^Jörg",
    "PatientBirthDate": "19610203",
    "PatientSex": "M",
    "AccessionNumber": "A-17",
    "StudyID": "S1",
    "StudyDate": "20261126",
    "StudyTime": "081500",
    "SeriesNumber": 3,
    "InstanceNumber": 2,
    "Modality": "DX",
    "PatientOrientation": ["L", "F"],
    "ImagerPixelSpacing": [0.15, 0.15],
    "WindowCenter": 2000,
    "WindowWidth": 3000,
}


def source(pixels: np.ndarray | None = None, **elements: Any) -> Dataset:
    """A radiograph as an archive would hold it; `elements` replace, None removes."""
    drawn = np.kron(ramp(), np.ones((4, 4), np.uint16)) * np.uint16(16) if pixels is None else pixels
    given = {keyword: value for keyword, value in {**WHOLE, **elements}.items() if value is not None}
    made = dcmread(io.BytesIO(dicom(drawn, **given)))
    for keyword in (keyword for keyword, value in elements.items() if value is None and keyword in made):
        delattr(made, keyword)
    return made


def content(item: Dataset) -> list[tuple[str, Any]]:
    """Name and value of every item in a report's tree, in order."""
    found = []
    for child in item.get("ContentSequence", []):
        found.append((child.ConceptNameCodeSequence[0].CodeMeaning, _value(child)))
        found += content(child)
    return found


def _value(item: Dataset) -> Any:
    if item.ValueType == "CODE":
        code = item.ConceptCodeSequence[0]
        return code.get("CodeValue") or code.LongCodeValue
    if item.ValueType == "NUM":
        return float(item.MeasuredValueSequence[0].NumericValue)
    if item.ValueType == "IMAGE":
        return item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    return item.get("TextValue") or item.get("UID")


def said_by(program: str, *arguments: object) -> str:
    """What a program of dcmtk or dicom3tools says; the test is skipped where it is missing, and fails with it."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([found, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def written(made: Dataset, folder: Path) -> Path:
    path = folder / f"{made.SOPInstanceUID}.dcm"
    made.save_as(path, enforce_file_format=True)
    return path
