"""`cxr predict`: the rows, the table, the sentences, the exit status."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr.cli import predict
from cxr.common.errors import UnsoundError
from cxr.imaging.decode import to_pixels
from cxr.inference.engine import Engine
from tests.cli.command import cxr, only_sentence, table

ROOT = Path(__file__).parents[2]


def test_every_picture_of_a_folder_is_answered(folder: Path, bundle: Path, tmp_path: Path) -> None:
    assert cxr("predict", folder, "--model", bundle, "--out", tmp_path / "results.csv") == 0
    rows = table(tmp_path / "results.csv")
    assert [row["file"] for row in rows] == [str(folder / "a.png"), str(folder / "more" / "b.jpg")]
    for row in rows:
        assert row["reason"] == row["message"] == ""
        p_covid = float(row["probability_covid"])
        assert row["state"] == ("COVID" if p_covid >= 0.5 else "NonCOVID")
        assert float(row["percentage"]) == pytest.approx(100 * max(p_covid, 1 - p_covid))
        assert (row["threshold"], row["model"], row["backbone"]) == ("0.5", "covid-cxr", "tiny")
        assert row["checked_at"].endswith("Z")
        assert row["note"].startswith("Not a medical device.")


def test_the_answers_are_those_of_the_engine(folder: Path, bundle: Path, tmp_path: Path) -> None:
    files = [folder / "more" / "b.jpg", folder / "a.png"]
    cxr("predict", *files, "--model", bundle, "--out", tmp_path / "results.csv")
    expected = Engine.load(bundle).predict(np.stack([to_pixels(file.read_bytes(), 32) for file in files]))
    found = [float(row["probability_covid"]) for row in table(tmp_path / "results.csv")]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_unreadable_files_are_named_in_the_table_and_the_others_answered(
    folder: Path, bundle: Path, tmp_path: Path
) -> None:
    (folder / "corrupt.png").write_bytes((folder / "a.png").read_bytes()[:300])
    (folder / "empty.png").touch()
    (folder / "text.txt").write_text("hello")
    (folder / ".hidden").write_text("not looked at")
    assert cxr("predict", folder, "--model", bundle, "--out", tmp_path / "results.csv") == 1
    errors = {Path(row["file"]).name: row["reason"] for row in table(tmp_path / "results.csv")}
    assert errors == {
        "a.png": "",
        "b.jpg": "",
        "corrupt.png": "corrupt",
        "empty.png": "empty",
        "text.txt": "not_a_picture",
    }
    for row in table(tmp_path / "results.csv"):
        assert (row["reason"] == "") == (row["message"] == "") == (row["probability_covid"] != "")
        assert (row["reason"] != "") == (row["state"] == "failed")


def test_a_picture_that_shows_nothing_is_refused_with_the_reason_and_is_no_failure(
    bundle: Path, tmp_path: Path
) -> None:
    Image.fromarray(np.full((40, 40), 90, np.uint8)).save(tmp_path / "blank.png")
    assert cxr("predict", tmp_path / "blank.png", "--model", bundle, "--out", tmp_path / "results.csv") == 0
    (row,) = table(tmp_path / "results.csv")
    assert (row["state"], row["probability_covid"], row["percentage"]) == ("Refused", "", "")
    assert (row["reason"], row["threshold"]) == ("blank", "0.5")


def test_what_the_model_s_gate_refuses_is_refused_here_too(complete_bundle: Path, tmp_path: Path) -> None:
    pixels = np.full((40, 40), 200, np.uint8)
    pixels[:, 20:] = 20
    Image.fromarray(pixels).save(tmp_path / "side.png")
    assert cxr("predict", tmp_path / "side.png", "--model", complete_bundle, "--out", tmp_path / "results.csv") == 0
    (row,) = table(tmp_path / "results.csv")
    assert (row["state"], row["probability_covid"], row["reason"]) == ("Refused", "", "lateral")
    assert row["message"].startswith("This looks like a lateral view")


def test_a_picture_without_a_sound_answer_is_a_failed_row(
    folder: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, asked = predict.answer, []

    def unsound_once(*arguments, **options):
        asked.append(1)
        if len(asked) == 1:
            raise UnsoundError("a logit that is not finite")
        return sound(*arguments, **options)

    monkeypatch.setattr(predict, "answer", unsound_once)
    assert cxr("predict", folder, "--model", bundle, "--out", tmp_path / "results.csv") == 1
    first, second = table(tmp_path / "results.csv")
    assert (first["state"], first["reason"]) == ("failed", "unsound_answer")
    assert first["message"] == "a logit that is not finite"
    assert second["probability_covid"]


def test_a_name_that_is_no_unicode_is_answered_too(folder: Path, bundle: Path, tmp_path: Path) -> None:
    try:
        (folder / "a.png").rename(folder / os.fsdecode(b"r\xf6ntgen.png"))
    except OSError:
        pytest.skip("this file system takes only Unicode names")
    assert cxr("predict", folder, "--model", bundle, "--out", tmp_path / "results.csv") == 0
    assert {Path(row["file"]).name for row in table(tmp_path / "results.csv")} == {"b.jpg", r"r\udcf6ntgen.png"}


def test_a_file_that_vanishes_meanwhile_is_an_error_of_its_row(
    folder: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed_then_gone(paths):
        entries = entries_of(paths)
        (folder / "a.png").unlink()
        return entries

    entries_of = predict.entries_of
    monkeypatch.setattr(predict, "entries_of", listed_then_gone)
    assert cxr("predict", folder, "--model", bundle, "--out", tmp_path / "results.csv") == 1
    first, second = table(tmp_path / "results.csv")
    assert (first["state"], first["reason"]) == ("failed", "unreadable")
    assert first["message"] == "No such file or directory"
    assert second["probability_covid"]


def test_without_out_the_table_goes_to_standard_output_and_progress_does_not(
    folder: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cxr("predict", folder, "--model", bundle) == 0
    out, err = capsys.readouterr()
    assert [row["file"] for row in csv.DictReader(out.splitlines())] == [
        str(folder / "a.png"),
        str(folder / "more" / "b.jpg"),
    ]
    assert "predict: 100%" in err


def test_a_folder_without_files_is_one_sentence(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert cxr("predict", tmp_path / "empty", "--model", bundle, "--out", tmp_path / "results.csv") == 2
    assert "no file in there; name picture files or folders of them" in only_sentence(capsys)
    assert not (tmp_path / "results.csv").exists()


def test_a_file_that_does_not_exist_is_one_sentence(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cxr("predict", tmp_path / "never.png", "--model", bundle) == 2
    assert "never.png does not exist" in only_sentence(capsys)


def test_a_missing_model_is_one_sentence(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cxr("predict", folder, "--model", tmp_path / "never") == 2
    assert "never lacks trunk.xml" in only_sentence(capsys)


def test_an_out_that_is_a_folder_is_refused_before_the_work(
    folder: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cxr("predict", folder, "--model", bundle, "--out", tmp_path) == 2
    assert "is a folder; name a file for the table" in only_sentence(capsys)


def test_an_out_that_can_not_be_written_is_one_sentence(
    folder: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cxr("predict", folder, "--model", bundle, "--out", folder / "a.png" / "results.csv") == 2
    assert "a.png" in only_sentence(capsys)


def test_no_command_and_no_files_are_told_how_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["predict"]):
        assert cxr(*arguments) == 2
        assert "usage: cxr" in capsys.readouterr().err


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_is_no_fault(folder: Path, bundle: Path) -> None:
    """As in `cxr predict … | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-c", "from cxr.cli import main; main()", "predict", folder, "--model", bundle]
    done = subprocess.run(program, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode == 0
    assert "BrokenPipe" not in done.stderr
    assert "Traceback" not in done.stderr
