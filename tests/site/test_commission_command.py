"""`cxr site commission`: from a site's pictures to its profile and report."""

import re
from pathlib import Path

import pytest
from PIL import Image

from cxr.common.errors import CxrError
from cxr.inference.manifest import digest_of
from cxr.inference.site_profile import SiteProfile, read_profile
from cxr.site.command import command
from cxr.watch.reference import read_reference
from cxr.watch.statistics import STATISTICS
from tests.site.pictures import picture, table_of
from tests.tiny import complete_tiny_bundle


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return complete_tiny_bundle(tmp_path_factory.mktemp("model") / "model")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, model: Path) -> tuple[int, Path]:
    """The exit status and the folder of a site where the model works."""
    root = tmp_path_factory.mktemp("good")
    table = table_of(root / "hospital", 45, 99, wrong=1)
    out = root / "out"
    return command(
        ["commission", str(table), "--name", "St. Example", "--model", str(model), "--out", str(out), "--by", "A. P."]
    ), out


def profile_at(out: Path) -> SiteProfile:
    return read_profile(out / "profile.json")


def test_a_site_where_the_model_works_is_for_use(good: tuple[int, Path], model: Path) -> None:
    status, out = good
    profile = profile_at(out)
    assert (status, profile.verdict) == (0, "for_use")
    assert profile.model.sha256 == digest_of(model)
    assert (profile.commissioned.images, profile.commissioned.patients) == (144, 144)
    assert profile.certified["auc"].low > 0.5
    assert profile.certified["auc"].n == 48
    assert profile.triage is not None


def test_the_profile_has_what_the_watch_compares_with(good: tuple[int, Path]) -> None:
    reference = read_reference(good[1] / "profile.json")
    counts = {one.name: int(reference.counts[number].sum()) for number, one in enumerate(STATISTICS)}
    expected = {one.name: 144 for one in STATISTICS}
    assert counts == expected | {"familiarity": 0}


def test_the_report_says_the_verdict_first_and_holds_no_address_and_no_id(good: tuple[int, Path]) -> None:
    text = (good[1] / "report.html").read_text()
    body = text[text.index("<body>") :]
    assert body.index("For use here") < body.index("What was tested")
    assert not re.search(r"(src|href)=\"(?!data:)", text)
    assert "None" not in body
    assert "images/" not in body


def test_a_site_where_labels_are_turned_is_not_for_use(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = table_of(tmp_path / "hospital", 30, 30, wrong=30)
    status = command(
        ["commission", str(table), "--name", "other", "--model", str(model), "--out", str(tmp_path / "out")]
    )
    assert status == 1
    profile = profile_at(tmp_path / "out")
    assert (profile.verdict, profile.triage) == ("not_for_use", None)
    assert any("do not rank higher" in reason for reason in profile.reasons)
    assert "other: not for use here" in capsys.readouterr().out


def test_a_table_names_files_below_its_folder_and_others_beside_it_are_none_of_it(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = table_of(tmp_path / "hospital", 30, 30)
    (table.parent / "notes.txt").write_text("for ourselves")
    asked = ["commission", str(table), "--name", "other", "--model", str(model), "--out", str(tmp_path / "out")]
    command(asked)
    said = capsys.readouterr()
    assert "notes" not in said.out + said.err
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *(f"{table.parent}/{line}" for line in lines[1:])]) + "\n")
    with pytest.raises(CxrError, match=r"line 2: the column file has /.*below the table's folder"):
        command(asked)


def test_faults_of_the_input_and_the_power_are_said_first(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = table_of(tmp_path / "hospital", 6, 12)
    with table.open("a") as handle:
        handle.write("images/gone.png,p99,COVID,PA,F,50\nimages/1.png,p1,perhaps,PA,F,50\n")
    (tmp_path / "hospital/images/2.png").write_bytes(b"no picture")
    status = command(
        ["commission", str(table), "--name", "small", "--model", str(model), "--out", str(tmp_path / "out")]
    )
    said = capsys.readouterr().err
    assert status == 1
    assert "hospital/images/gone.png: the metadata names a file that is not there" in said
    assert "hospital/images/1.png: the finding is not in the source's list of findings (perhaps)" in said
    assert "hospital/images/2.png: the picture cannot be decoded" in said
    assert "There are 4 positive and 12 negative patients." in said
    assert "collect 24 more" in said


def test_class_folders_need_to_say_whose_pictures_they_are(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    for number in range(8):
        label = ("NonCOVID", "COVID")[number % 2]
        (folder / label).mkdir(parents=True, exist_ok=True)
        shown = picture(number, covid=bool(number % 2))
        Image.fromarray(shown).save(folder / label / f"p{number // 4}_{number}.png")
    asked = ["commission", str(folder), "--name", "x", "--model", str(model), "--out", str(tmp_path / "out")]
    with pytest.raises(CxrError, match="--patient"):
        command(asked)
    assert command([*asked, "--patient", "^(p[0-9]+)_"]) == 1
    assert profile_at(tmp_path / "out").commissioned.patients == 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--name": "a/b"}, "site is 'a/b'"),
        ({"--missed": "0"}, "missed_among_unlikely is 0.0"),
        ({"--certify": "2"}, "shares"),
        ({"--model": "no-such-model"}, "no champion of no-such-model"),
    ],
)
def test_what_cannot_be_is_said_before_a_picture_is_read(
    changed: dict[str, str], message: str, model: Path, tmp_path: Path
) -> None:
    usual = {"--name": "x", "--model": str(model), "--out": str(tmp_path / "out")}
    words = [word for pair in (usual | changed).items() for word in pair]
    with pytest.raises(CxrError, match=message):
        command(["commission", str(tmp_path / "no-such-folder"), *words])


def test_a_table_without_the_columns_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("name,finding\n")
    with pytest.raises(CxrError, match="has the columns name, finding"):
        command(
            ["commission", str(tmp_path / "labels.csv"), "--name", "x", "--model", str(model), "--out", str(tmp_path)]
        )


def test_one_label_alone_is_refused(model: Path, tmp_path: Path) -> None:
    table = table_of(tmp_path / "hospital", 0, 5)
    with pytest.raises(CxrError, match="no usable picture labelled COVID"):
        command(["commission", str(table), "--name", "x", "--model", str(model), "--out", str(tmp_path)])


def test_two_patients_with_one_file_in_common_are_one(model: Path, tmp_path: Path) -> None:
    table = table_of(tmp_path / "hospital", 6, 12)
    images = tmp_path / "hospital/images"
    (images / "copy.png").write_bytes((images / "0.png").read_bytes())
    with table.open("a") as handle:
        handle.write("images/copy.png,p77,COVID,PA,F,50\n")
    command(["commission", str(table), "--name", "x", "--model", str(model), "--out", str(tmp_path / "out")])
    done = profile_at(tmp_path / "out").commissioned
    assert (done.images, done.patients) == (19, 18)
