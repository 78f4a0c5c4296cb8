"""A DICOMDIR: the images that it lists, none outside its own folder."""

from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.fileset import FileSet

from tests.cli.command import cxr, table
from tests.dicom_results.made import source


@pytest.fixture
def medium(tmp_path: Path) -> Path:
    """A CD with two images, and a file that its DICOMDIR does not list."""
    whole = FileSet()
    for number in (1, 2):
        image = source(SOPInstanceUID=f"1.2.3.4.5.{number}", InstanceNumber=number, PatientID="P1")
        whole.add(image)
    whole.write(tmp_path / "cd")
    (tmp_path / "cd" / "README.TXT").write_text("not listed")
    return tmp_path / "cd"


def rows(path: Path, bundle: Path) -> list[dict[str, str]]:
    out = path.parent.parent / "results.csv"
    cxr("predict", path, "--model", bundle, "--out", out)
    return table(out)


def renamed(medium: Path, file_id: list[str]) -> Path:
    """The DICOMDIR, whose first image is said to be elsewhere."""
    listed = dcmread(medium / "DICOMDIR")
    first = next(item for item in listed.DirectoryRecordSequence if item.DirectoryRecordType == "IMAGE")
    first.ReferencedFileID = file_id
    listed.save_as(medium / "DICOMDIR")
    return medium / "DICOMDIR"


def test_the_images_that_it_lists_are_answered(medium: Path, bundle: Path) -> None:
    found = rows(medium / "DICOMDIR", bundle)
    assert len(found) == 2
    for row in found:
        assert Path(row["file"]).is_file()
        assert row["probability_covid"]


def test_a_folder_with_one_gives_every_file_once(medium: Path, bundle: Path, tmp_path: Path) -> None:
    assert cxr("predict", medium, medium / "DICOMDIR", "--model", bundle, "--out", tmp_path / "r.csv") == 1
    found = table(tmp_path / "r.csv")
    assert len(found) == len({row["file"] for row in found}) == 3
    assert [row["reason"] for row in found].count("not_a_picture") == 1


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("file_id", [["..", "secret.dcm"], ["/etc/passwd"], ["..\\secret.dcm"], ["x", "..", "..", "a"]])
def test_an_image_outside_is_refused_by_its_row(file_id: list[str], medium: Path, bundle: Path) -> None:
    source().save_as(medium.parent / "secret.dcm", enforce_file_format=True)
    first, second = rows(renamed(medium, file_id), bundle)
    assert (first["state"], first["reason"]) == ("failed", "outside")
    assert second["probability_covid"]


def test_a_link_that_leads_outside_is_refused(medium: Path, bundle: Path, tmp_path: Path) -> None:
    source().save_as(tmp_path / "secret.dcm", enforce_file_format=True)
    (medium / "LINK").symlink_to(tmp_path / "secret.dcm")
    assert rows(renamed(medium, ["LINK"]), bundle)[0]["reason"] == "outside"


def test_an_image_that_is_missing_has_its_row_and_lower_case_names_are_found(medium: Path, bundle: Path) -> None:
    source().save_as(medium / "im1", enforce_file_format=True)
    assert rows(renamed(medium, ["IM1"]), bundle)[0]["probability_covid"]
    assert rows(renamed(medium, ["IM9"]), bundle)[0]["reason"] == "missing"


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_a_name_that_no_disk_can_have_and_links_in_a_circle_are_missing(medium: Path, bundle: Path) -> None:
    (medium / "CIRCLE").symlink_to(medium / "CIRCLE")
    for name in ("A" * 300, "CIRCLE"):
        first, second = rows(renamed(medium, [name]), bundle)
        assert (first["state"], first["reason"]) == ("failed", "missing")
        assert second["probability_covid"]


@pytest.mark.parametrize("data", [b"", b"no DICOM", bytes(128) + b"DICM" + b"\x02\x00"])
def test_a_damaged_one_is_one_row(data: bytes, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "cd").mkdir()
    (tmp_path / "cd" / "DICOMDIR").write_bytes(data)
    (row,) = rows(tmp_path / "cd" / "DICOMDIR", bundle)
    assert (row["state"], row["reason"]) == ("failed", "corrupt")
