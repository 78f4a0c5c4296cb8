"""DICOM as an archive exports it: what the headers tell, and that nobody's name or date comes along."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from cxr.common.errors import SourceError
from cxr.imaging.decode import decode
from cxr.imaging.limits import MAX_FILE_BYTES
from cxr.sources import SOURCES, dicom_folder
from cxr.sources.base import Listing
from cxr.sources.dicom_folder import DicomFolderParams, LabelColumns
from cxr.sources.fetching import fetch_all
from cxr.sources.index import build_index
from cxr.sources.settings import DownloadParams

from .made import files_under, write_files

SECRETS = (b"Doe", b"19700301", b"20200401", b"PID-7", b"ACC-1", b"1.2.826.0.1")
PERSON = {
    "PatientName": "Doe^Jane",
    "PatientID": "PID-7",
    "PatientBirthDate": "19700301",
    "StudyDate": "20200401",
    "PatientSex": "F",
    "StudyInstanceUID": "1.2.826.0.1.77",
    "AccessionNumber": "ACC-1",
    "Modality": "DX",
    "BodyPartExamined": "CHEST",
    "ViewPosition": "PA",
    "PhotometricInterpretation": "MONOCHROME2",
}


def put(file: Path, **changes: Any) -> Path:
    """A DICOM file of `PERSON` with these elements changed."""
    data = Dataset()
    for keyword, value in {**PERSON, **changes}.items():
        setattr(data, keyword, value)
    data.SamplesPerPixel, data.Rows, data.Columns = 1, 16, 16
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.PixelData = np.arange(256, dtype=np.uint8).tobytes()
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", generate_uid()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    file.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(file, enforce_file_format=True)
    return file


def params(root: Path, **changes: Any) -> DicomFolderParams:
    usual = {
        "kind": "dicom_folder",
        "origin": str(root / "export"),
        "key": str(root / "export/pseudonyms.key"),
        "labels": "labels.csv",
        "columns": LabelColumns("study", "result"),
        "findings": {"COVID": ("positive",), "NonCOVID": ("negative",), "skipped": ("pending",)},
        "chest": ("CHEST", ""),
        "train_on": ("COVID", "NonCOVID"),
    }
    return DicomFolderParams(**{**usual, **changes})


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An export with one patient's folder, in a place that is not the project."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    put(tmp_path / "export/Doe^Jane/ST1/IM1")
    labels(tmp_path, "ACC-1,positive")
    return tmp_path


def labels(root: Path, *rows: str) -> None:
    write_files(root / "export", {"labels.csv": ("study,result\n" + "\n".join(rows) + "\n").encode()})


def listed(root: Path, **changes: Any) -> Listing:
    dicom_folder.fetch(params(root, **changes), root / "raw/ours")
    return dicom_folder.list_images(params(root, **changes), root / "raw/ours", "ours")


def test_a_picture_has_its_facts_from_the_header_and_its_label_by_accession_number(root: Path):
    (found,) = listed(root).candidates
    assert (found.label, found.finding, found.view, found.sex, found.age) == ("COVID", "positive", "PA", "F", "50")
    kept = decode((root / "raw/ours" / found.path).read_bytes())
    assert np.array_equal(kept, decode((root / "export/Doe^Jane/ST1/IM1").read_bytes()))


def test_no_name_no_number_and_no_date_enters_the_project(root: Path):
    put(root / "export/Doe^Jane/ST2/IM2", AccessionNumber="ACC-2", ViewPosition="LL")
    write_files(root / "export", {"Doe^Jane/note.txt": b"Doe"})
    listed(root)
    for file in (root / "raw").rglob("*"):
        text = str(file.relative_to(root)).encode() + (file.read_bytes() if file.is_file() else b"")
        assert [secret for secret in SECRETS if secret in text] == []
    assert files_under(root / "project") == []


def test_a_person_is_one_in_every_run_and_another_with_another_key(root: Path):
    put(root / "export/again/IM9", AccessionNumber="ACC-9")
    put(root / "export/other/IM1", PatientID="PID-8")
    labels(root, "ACC-1,positive", "ACC-9,negative")
    first = {each.path: each.patient for each in listed(root).candidates}
    assert sorted(map(list(first.values()).count, set(first.values()))) == [1, 2]
    assert {each.path: each.patient for each in listed(root).candidates} == first
    (root / "export/pseudonyms.key").unlink()
    assert not first.keys() & {each.path for each in listed(root).candidates}


def test_the_key_is_for_its_owner_alone_and_never_in_the_project(root: Path):
    listed(root)
    assert (root / "export/pseudonyms.key").stat().st_mode & 0o077 == 0
    assert not list((root / "raw").rglob("*.key"))
    with pytest.raises(SourceError, match="is inside the project"):
        listed(root, key="ours.key")
    (root / "export/pseudonyms.key").write_text("short")
    with pytest.raises(SourceError, match="does not hold 64 hex digits"):
        listed(root)


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"ViewPosition": "LL"}, "not_frontal", "LL"),
        ({"ViewPosition": "LLO"}, "unknown_view", "LLO"),
        ({"Modality": "CT"}, "not_xray", "CT"),
        ({"Modality": "SR"}, "not_xray", "SR"),
        ({"BodyPartExamined": "HAND"}, "not_chest", "HAND"),
        ({"AccessionNumber": "ACC-5"}, "unlabelled", ""),
        ({"AccessionNumber": "ACC-3"}, "unlabelled", "pending"),
        ({"AccessionNumber": "ACC-4"}, "unknown_finding", "unclear"),
        ({"PhotometricInterpretation": "XYZ"}, "corrupt", "unsupported"),
    ],
)
def test_what_is_left_out_has_its_reason(changes: dict[str, str], reason: str, detail: str, root: Path):
    put(root / "export/Doe^Jane/ST1/IM2", **changes)
    labels(root, "ACC-1,positive", "ACC-3,pending", "ACC-4,unclear")
    listing = listed(root)
    assert len(listing.candidates) == 1
    assert [(row.reason, row.detail) for row in listing.rejected] == [(reason, detail)]


def test_lateral_views_teach_the_gate_and_what_is_no_picture_is_named(root: Path):
    put(root / "export/Doe^Jane/ST1/IM2", ViewPosition="LL")
    write_files(root / "export", {"DICOMDIR": b"no picture", "Doe^Jane/empty": b""})
    listing = listed(root)
    assert [view.shown for view in listing.other_views] == ["lateral"]
    assert [view.patient for view in listing.other_views] == [listing.candidates[0].patient]
    assert sorted(row.reason for row in listing.rejected) == ["no_row", "no_row", "not_frontal"]


@pytest.mark.parametrize("key", ["Doe^Jane/ST1/IM1", "Doe^Jane/ST1", "Doe^Jane", "Doe^Jane\\ST1\\"])
def test_a_label_is_found_by_the_path_of_the_file_or_of_a_folder(key: str, root: Path):
    labels(root, f"{key},negative")
    assert [found.label for found in listed(root).candidates] == ["NonCOVID"]


def test_a_table_that_fits_no_picture_is_an_error_that_says_what_to_run(root: Path):
    labels(root, "ACC-77,positive")
    with pytest.raises(SourceError, match=r"mend its column 'study', then run `dvc repro --force --single-item downl"):
        listed(root)
    assert not (root / "raw/ours").exists()


@pytest.mark.parametrize(
    ("header", "age"),
    [
        ({"PatientAge": "071Y"}, "71"),
        ({"PatientAge": "006M"}, "0.5"),
        ({"PatientAge": "104Y"}, "90"),  # so old that the age alone may tell who it is
        ({"PatientBirthDate": ""}, ""),
        ({"PatientBirthDate": "20210101"}, ""),
    ],
)
def test_ages_are_years_and_dates_only_serve_to_find_them(header: dict[str, str], age: str, root: Path):
    put(root / "export/Doe^Jane/ST1/IM1", **header)
    assert [found.age for found in listed(root).candidates] == [age]


def test_a_date_that_is_none_is_not_shown_to_anybody(root: Path, recwarn: pytest.WarningsRecorder):
    file = root / "export/Doe^Jane/ST1/IM1"
    file.write_bytes(file.read_bytes().replace(b"19700301", b"1970-3-1"))
    assert [found.age for found in listed(root).candidates] == [""]
    assert list(recwarn) == []


def test_pictures_without_a_patient_stay_together(root: Path):
    for number in (1, 2):
        put(root / f"export/Doe^Jane/ST1/IM{number}", PatientID="")
    assert [found.patient for found in listed(root).candidates] == ["unknown"] * 2


def test_a_dicom_folder_is_a_source_like_any_other(root: Path):
    configured = DownloadParams({"ours": params(root)}, {})
    assert fetch_all(configured.all(), SOURCES, root / "raw") == ["ours"]
    index = build_index(configured, root / "raw")
    assert [(row.label, row.role, row.width) for row in index.images] == [("COVID", "train", 16)]


def test_a_word_with_two_meanings_and_a_public_origin_are_refused(root: Path):
    with pytest.raises(ValueError, match="'x' under 'COVID' and 'NonCOVID'"):
        params(root, findings={"COVID": ("x",), "NonCOVID": ("x",)})
    with pytest.raises(SourceError, match="no public origin"):
        listed(root, origin="public")


def test_names_of_any_bytes_and_headers_with_control_characters_are_only_hashed_or_quoted(root: Path):
    for name in (b"a\rb", b"a\nb", b"a\xffb"):
        put(root / "export/odd" / os.fsdecode(name), BodyPartExamined="CHEST", AccessionNumber="ACC-1")
    data = (root / "export/Doe^Jane/ST1/IM1").read_bytes()
    (root / "export/Doe^Jane/ST1/IM1").write_bytes(data.replace(b"CHEST ", b"CHE\rST"))
    listing = listed(root)
    assert len(listing.candidates) == 3
    assert [(row.reason, row.detail) for row in listing.rejected] == [("not_chest", "CHE\rST")]


def test_links_out_of_the_export_and_huge_files_are_not_read(root: Path):
    put(root / "elsewhere/IM2")
    (root / "export/link").symlink_to(root / "elsewhere/IM2")
    (root / "export/folder").symlink_to(root / "elsewhere")
    (root / "export/gone").symlink_to(root / "gone")
    os.mkfifo(root / "export/pipe")
    os.truncate(put(root / "export/huge"), MAX_FILE_BYTES + 1)
    listing = listed(root)
    assert len(listing.candidates) == 1
    reasons = sorted(row.reason for row in listing.rejected)
    assert reasons == ["link_outside", "link_outside", "no_row", "no_row", "too_large"]
