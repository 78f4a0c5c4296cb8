"""What the names of files say: candidates with their patients, in the Kaggle collection and in folders of one's own."""

from pathlib import Path

import pytest

from cxr.common.errors import SourceError
from cxr.sources import folder, kaggle_pneumonia
from cxr.sources.base import Listing
from cxr.sources.folder import FolderParams
from cxr.sources.kaggle_pneumonia import KagglePneumoniaParams

from .made import write_files

KAGGLE = KagglePneumoniaParams("kaggle_pneumonia", "public", ("NonCOVID",), 2)


# --- chest-xray-pneumonia ---------------------------------------------------------------------------------


def kaggle_listing(root: Path, *paths: str) -> Listing:
    write_files(root, {f"chest_xray/{path}": b"x" for path in paths})
    return kaggle_pneumonia.list_images(KAGGLE, root, "kaggle")


@pytest.mark.parametrize(
    ("filename", "patient", "finding"),
    [
        ("person12_bacteria_46.jpeg", "person12", "bacterial pneumonia"),
        ("person12_virus_7.jpeg", "person12", "viral pneumonia"),
        ("person1946_bacteria_4874.jpeg", "person1946", "bacterial pneumonia"),
        ("IM-0383-0001.jpeg", "IM-0383", "normal"),
        ("NORMAL2-IM-0383-0001.jpeg", "IM-0383", "normal"),
        ("IM-0437-0001-0002.jpeg", "IM-0437", "normal"),
    ],
)
def test_kaggle_names_carry_patient_and_finding(filename: str, patient: str, finding: str, tmp_path: Path):
    (candidate,) = kaggle_listing(tmp_path, f"train/NORMAL/{filename}").candidates
    assert (candidate.patient, candidate.finding) == (patient, finding)
    assert (candidate.label, candidate.view) == ("NonCOVID", "")


def test_all_three_parts_are_read_and_the_nested_copy_is_not(tmp_path: Path):
    listing = kaggle_listing(
        tmp_path,
        "val/NORMAL/IM-1-1.jpeg",
        "test/PNEUMONIA/person1_virus_6.jpeg",
        "train/NORMAL/IM-2-1.jpeg",
        "chest_xray/train/NORMAL/IM-2-1.jpeg",
        "__MACOSX/train/NORMAL/._IM-2-1.jpeg",
        "train/NORMAL/._IM-2-1.jpeg",
    )
    assert [candidate.path for candidate in listing.candidates] == [
        "chest_xray/test/PNEUMONIA/person1_virus_6.jpeg",
        "chest_xray/train/NORMAL/IM-2-1.jpeg",
        "chest_xray/val/NORMAL/IM-1-1.jpeg",
    ]


def test_a_kaggle_name_without_a_patient_is_an_error(tmp_path: Path):
    with pytest.raises(SourceError, match=r"scan7\.jpeg names no patient"):
        kaggle_listing(tmp_path, "train/NORMAL/scan7.jpeg")


def test_an_empty_kaggle_folder_is_an_error(tmp_path: Path):
    with pytest.raises(SourceError, match="holds no chest_xray"):
        kaggle_listing(tmp_path, "readme.txt")


# --- folders of one's own ---------------------------------------------------------------------------------


def folder_params(**changed) -> FolderParams:
    usual = {
        "kind": "folder",
        "origin": "somewhere",
        "classes": {"healthy": "NonCOVID", "covid": "COVID"},
        "patient": r"^(\d+)_",
        "train_on": ("COVID",),
    }
    return FolderParams(**{**usual, **changed})


def folder_listing(root: Path, params: FolderParams, *paths: str) -> Listing:
    write_files(root, dict.fromkeys(paths, b"x"))
    return folder.list_images(params, root, "mine")


def test_folders_give_labels_and_names_give_patients(tmp_path: Path):
    listing = folder_listing(tmp_path, folder_params(), "healthy/12_0.png", "covid/deep/13_1.dcm", "covid/.hidden.png")
    assert [(c.path, c.label, c.patient, c.finding) for c in listing.candidates] == [
        ("covid/deep/13_1.dcm", "COVID", "13", "covid"),
        ("healthy/12_0.png", "NonCOVID", "12", "healthy"),
    ]


def test_dicom_files_without_a_suffix_are_images_and_notes_are_not(tmp_path: Path):
    paths = ("covid/1_IM0001", "covid/1_2.840.113619.2", "covid/1_B.DCM", "covid/notes.txt")
    listing = folder_listing(tmp_path, folder_params(), *paths)
    assert len(listing.candidates) == 3
    assert [(reject.path, reject.reason) for reject in listing.rejected] == [("covid/notes.txt", "no_row")]


def test_a_name_without_a_patient_is_an_error_that_names_file_and_expression(tmp_path: Path):
    with pytest.raises(SourceError) as caught:
        folder_listing(tmp_path, folder_params(), "covid/scan.png", "covid/1_a.png")
    assert "covid/scan.png" in str(caught.value)
    assert r"^(\\d+)_" in str(caught.value)


@pytest.mark.parametrize(("expression", "words"), [("(", "not a regular expression"), (r"\d+", "has no group")])
def test_a_patient_expression_that_can_not_work_is_an_error(expression: str, words: str, tmp_path: Path):
    for call in (
        lambda: folder_listing(tmp_path, folder_params(patient=expression)),
        lambda: folder.fetch(folder_params(patient=expression), tmp_path / "out"),
    ):
        with pytest.raises(SourceError, match=words):
            call()
