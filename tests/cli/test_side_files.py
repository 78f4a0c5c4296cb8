"""Heat maps and structured reports beside the table."""

import builtins
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from cxr.cli.side_files import file_name
from tests.cli.command import cxr, only_sentence, table
from tests.dicom_results.made import content, source


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A DICOM file, a picture that is none, and a blank DICOM file that is refused."""
    (tmp_path / "study").mkdir()
    source().save_as(tmp_path / "study" / "a.dcm", enforce_file_format=True)
    blank = source(np.full((64, 64), 90, np.uint16), SOPInstanceUID="1.2.9")
    blank.save_as(tmp_path / "study" / "blank.dcm", enforce_file_format=True)
    Image.fromarray(np.arange(6400, dtype=np.uint8).reshape(80, 80)).save(tmp_path / "study" / "b.png")
    return tmp_path / "study"


def test_heat_maps_are_written_for_every_answer(study: Path, bundle: Path, tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    assert cxr("predict", study, "--model", bundle, "--out", tmp_path / "r.csv", "--explain", maps) == 0
    names = [f"{file_name(str(study / name))}.png" for name in ("a.dcm", "b.png")]
    assert sorted(path.name for path in maps.iterdir()) == sorted(names)
    with Image.open(maps / names[0]) as shown:
        assert shown.mode == "RGB"
        assert shown.height > source().Rows  # bands of text


def test_reports_are_written_for_dicom_and_what_has_none_is_counted(
    study: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("highdicom", reason="needs the extra clinic")
    command = ("predict", study, "--model", bundle, "--out", tmp_path / "r.csv", "--sr", tmp_path / "sr")
    assert cxr(*command, "--uid-root", "1.2.3.4.5") == 0
    assert "1 answered files have no structured report: not DICOM" in capsys.readouterr().err
    (path,) = (tmp_path / "sr").iterdir()
    report = dcmread(path)
    row = table(tmp_path / "r.csv")[0]
    said = dict(content(report))
    assert report.StudyInstanceUID == source().StudyInstanceUID
    assert report.SOPInstanceUID.startswith("1.2.3.4.5.")
    assert said["Answer of the classifier"] == row["state"]
    assert said["Calibrated probability of COVID-19 pneumonia"] == pytest.approx(float(row["probability_covid"]))


def test_an_image_without_a_study_has_a_row_but_no_report(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("highdicom", reason="needs the extra clinic")
    image = source()
    del image.StudyInstanceUID
    image.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    assert cxr("predict", tmp_path / "a.dcm", "--model", bundle, "--sr", tmp_path / "sr") == 0
    out, err = capsys.readouterr()
    assert "has no StudyInstanceUID" in err
    assert "NonCOVID" in out


def test_without_the_extra_it_is_one_sentence_before_the_work(
    study: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_highdicom(name, *arguments, **options):
        if name == "highdicom":
            raise ModuleNotFoundError(name, name=name)
        return imported(name, *arguments, **options)

    imported = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without_highdicom)
    assert cxr("predict", study, "--model", bundle, "--sr", tmp_path / "sr") == 2
    assert "--sr needs highdicom" in only_sentence(capsys)
    assert cxr("predict", study, "--model", bundle, "--explain", tmp_path / "maps") == 0


def test_a_root_that_is_none_and_a_folder_that_is_a_file_are_one_sentence(
    study: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("highdicom", reason="needs the extra clinic")
    assert cxr("predict", study, "--model", bundle, "--sr", tmp_path / "sr", "--uid-root", "x") == 2
    assert "uid_root is 'x'" in only_sentence(capsys)
    assert cxr("predict", study, "--model", bundle, "--explain", study / "b.png") == 2
    assert "name a folder" in only_sentence(capsys)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a.zip/..\\x.dcm", "a/b/ü?*.png", "", ".hidden", "x" * 300])
def test_a_name_leads_to_no_other_folder(name: str, tmp_path: Path) -> None:
    made = file_name(name)
    assert (tmp_path / made).resolve().parent == tmp_path.resolve()
    assert len(made) < 80
    assert not made.startswith(".")


def test_two_files_never_share_a_name() -> None:
    assert file_name("a/x.png") != file_name("b/x.png")
