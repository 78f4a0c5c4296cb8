"""A file's header is read without its pixels, and a deflated one without inflating all of it."""

import io
import tracemalloc
import zlib
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from cxr.imaging.dicom_decoder import DICOM_FAULTS
from cxr.imaging.dicom_elements import read_elements
from cxr.imaging.dicom_file import claimed_syntax

KEYWORDS = ("SOPInstanceUID", "StudyInstanceUID")


def written(file: Path, syntax: str, pixels: int = 64) -> Path:
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SOPInstanceUID, dataset.StudyInstanceUID = "1.2.3", "1.2.4"
    dataset.PatientName = "Nobody^Made"
    dataset.BitsAllocated = 8
    dataset.add_new("PixelData", "OB", bytes(pixels))
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(file, enforce_file_format=True)
    return file


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_the_elements_that_were_asked_for_are_read_and_no_other(syntax: str, tmp_path: Path) -> None:
    found = read_elements(written(tmp_path / "a.dcm", syntax), KEYWORDS)
    assert (found.SOPInstanceUID, found.StudyInstanceUID) == ("1.2.3", "1.2.4")
    assert "PatientName" not in found
    assert "PixelData" not in found


def test_a_file_that_unpacks_to_much_costs_little(tmp_path: Path) -> None:
    file = written(tmp_path / "bomb.dcm", DeflatedExplicitVRLittleEndian, 64 << 20)
    assert file.stat().st_size < 1 << 20
    tracemalloc.start()
    found = read_elements(file, KEYWORDS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.StudyInstanceUID == "1.2.4"
    assert peak < 16 << 20


def test_damaged_data_is_a_fault_that_callers_know(tmp_path: Path) -> None:
    file = written(tmp_path / "a.dcm", DeflatedExplicitVRLittleEndian)
    whole = file.read_bytes()
    packed = zlib.compress(b"x")  # with a head of its own, which DICOM's has not
    file.write_bytes(whole[: claimed_syntax(whole)[1]] + packed)
    with pytest.raises(DICOM_FAULTS):
        read_elements(file, KEYWORDS)


def test_what_is_no_dicom_is_one_only_where_forced(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"no DICOM at all" * 20)
    with pytest.raises(InvalidDicomError):
        read_elements(tmp_path / "a.txt", KEYWORDS, force=False)


def test_it_agrees_with_pydicom(tmp_path: Path) -> None:
    file = written(tmp_path / "a.dcm", DeflatedExplicitVRLittleEndian)
    whole = dcmread(io.BytesIO(file.read_bytes()))
    found = read_elements(file, KEYWORDS)
    assert [found[keyword].value for keyword in KEYWORDS] == [whole[keyword].value for keyword in KEYWORDS]
