"""Copies from a directory of one's own, and the receipts that decide whether to fetch at all."""

import os
from pathlib import Path

import pytest

from cxr.common.errors import SourceError
from cxr.data.manifest import RejectedRow, read_rows
from cxr.sources import covid_chestxray, folder, kaggle_pneumonia
from cxr.sources.base import Listing, Source
from cxr.sources.covid_chestxray import CovidChestxrayParams
from cxr.sources.fetching import RECEIPT, fetch_all, receipt_of
from cxr.sources.folder import FolderParams
from cxr.sources.kaggle_pneumonia import KagglePneumoniaParams
from cxr.sources.mirror import LEFT_OUT
from cxr.sources.phantom import PhantomParams

from .made import files_under, metadata, write_files


def covid(origin: Path | str, revision: str = "0" * 40) -> CovidChestxrayParams:
    return CovidChestxrayParams("covid_chestxray", str(origin), revision, ("COVID",))


def kaggle(origin: Path | str) -> KagglePneumoniaParams:
    return KagglePneumoniaParams("kaggle_pneumonia", str(origin), ("NonCOVID",), 2)


def mine(origin: Path | str) -> FolderParams:
    return FolderParams("folder", str(origin), {"covid": "COVID", "healthy": "NonCOVID"}, r"^(\d+)", ("COVID",))


@pytest.fixture
def covid_mirror(tmp_path: Path) -> Path:
    files = {
        "metadata.csv": metadata(),
        "images/a.jpg": b"a",
        "images/.DS_Store": b"clutter",
        "annotations/lungVAE-masks/a.png": b"mask",
        "volumes/ct.nii.gz": b"ct",
        "scripts/x.py": b"",
    }
    return write_files(tmp_path / "covid-mirror", files)


@pytest.fixture
def kaggle_mirror(tmp_path: Path) -> Path:
    files = {
        "chest_xray/train/NORMAL/IM-1-1.jpeg": b"a",
        "chest_xray/chest_xray/train/NORMAL/IM-1-1.jpeg": b"a",
        "chest_xray/__MACOSX/train/NORMAL/._IM-1-1.jpeg": b"fork",
        "chest_xray/train/NORMAL/._IM-1-1.jpeg": b"fork",
    }
    return write_files(tmp_path / "kaggle-mirror", files)


def test_a_mirror_has_the_layout_of_the_original_and_nothing_more(
    covid_mirror: Path, kaggle_mirror: Path, tmp_path: Path
):
    covid_chestxray.fetch(covid(covid_mirror), tmp_path / "out/covid")
    kaggle_pneumonia.fetch(kaggle(kaggle_mirror), tmp_path / "out/kaggle")
    assert files_under(tmp_path / "out") == [
        "covid/annotations/lungVAE-masks/a.png",
        "covid/images/a.jpg",
        "covid/metadata.csv",
        "kaggle/chest_xray/train/NORMAL/IM-1-1.jpeg",
    ]


def test_a_relative_origin_is_relative_to_the_projects_root(
    covid_mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    covid_chestxray.fetch(covid("covid-mirror"), tmp_path / "out")
    assert (tmp_path / "out/images/a.jpg").exists()


def test_a_read_only_mirror_is_copied_into_files_that_can_be_changed(covid_mirror: Path, tmp_path: Path):
    picture = covid_mirror / "images/a.jpg"
    picture.chmod(0o444)
    covid_chestxray.fetch(covid(covid_mirror), tmp_path / "out")
    copy = tmp_path / "out/images/a.jpg"
    assert copy.stat().st_mode & 0o200
    assert copy.stat().st_ino != picture.stat().st_ino
    assert not copy.is_symlink()


def test_links_in_a_mirror_are_followed_once(covid_mirror: Path, tmp_path: Path):
    own = write_files(tmp_path / "own", {"covid/2.png": b"2", "elsewhere/1.png": b"1"})
    (own / "healthy").symlink_to(own / "elsewhere")
    (own / "covid/loop").symlink_to(own)
    folder.fetch(mine(own), tmp_path / "out")
    assert files_under(tmp_path / "out") == ["covid/2.png", "healthy/1.png"]
    assert not (tmp_path / "out/healthy").is_symlink()


@pytest.mark.parametrize(
    ("source", "make", "missing"),
    [(covid_chestxray, covid, "metadata.csv"), (kaggle_pneumonia, kaggle, "chest_xray"), (folder, mine, "covid")],
)
def test_a_directory_that_is_no_mirror_is_refused(source, make, missing: str, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=f"has no {missing}"):
        source.fetch(make(tmp_path / "empty"), tmp_path / "out")
    with pytest.raises(SourceError, match="is not a directory"):
        source.fetch(make(tmp_path / "nowhere"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_mirror_with_empty_folders_is_refused(tmp_path: Path):
    (tmp_path / "mirror/chest_xray").mkdir(parents=True)
    with pytest.raises(SourceError, match="none of this source's files"):
        kaggle_pneumonia.fetch(kaggle(tmp_path / "mirror"), tmp_path / "out")


def test_a_folder_source_has_no_public_origin(tmp_path: Path):
    with pytest.raises(SourceError, match="no public origin"):
        folder.fetch(mine("public"), tmp_path / "out")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return write_files(tmp_path / "outside", {"secret.png": b"secret", "metadata.csv": metadata()})


def left_out(directory: Path) -> list[tuple[str, str]]:
    return [(row.path, row.reason) for row in read_rows(RejectedRow, directory / LEFT_OUT)]


def test_a_link_that_leads_out_of_a_mirror_is_not_followed_and_named(covid_mirror: Path, outside: Path, tmp_path: Path):
    (covid_mirror / "images/b.png").symlink_to(outside / "secret.png")
    (covid_mirror / "images/folder").symlink_to(outside)
    (covid_mirror / "scripts/gone.py").symlink_to(outside / "gone.py")  # not this source's: nobody asks
    (covid_mirror / "images/same.jpg").symlink_to(covid_mirror / "images/a.jpg")
    covid_chestxray.fetch(covid(covid_mirror), tmp_path / "out")
    assert left_out(tmp_path / "out") == [("images/b.png", "link_outside"), ("images/folder", "link_outside")]
    assert files_under(tmp_path / "out/images") == ["a.jpg", "same.jpg"]


def test_a_mirror_whose_table_leads_out_of_it_is_refused(covid_mirror: Path, outside: Path, tmp_path: Path):
    (covid_mirror / "metadata.csv").unlink()
    (covid_mirror / "metadata.csv").symlink_to(outside / "metadata.csv")
    with pytest.raises(SourceError, match=r"metadata\.csv is a symbolic link out of the mirror"):
        covid_chestxray.fetch(covid(covid_mirror), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_mirror_may_itself_be_a_link(covid_mirror: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to(covid_mirror)
    covid_chestxray.fetch(covid(tmp_path / "link"), tmp_path / "out")
    assert (tmp_path / "out/images/a.jpg").exists()
    assert not (tmp_path / "out" / LEFT_OUT).exists()


def test_a_link_to_itself_in_a_mirror_is_named(covid_mirror: Path, tmp_path: Path):
    (covid_mirror / "images/b.jpg").symlink_to(covid_mirror / "images/b.jpg")
    with pytest.raises(SourceError, match=r"symbolic links.*b\.jpg"):
        covid_chestxray.fetch(covid(covid_mirror), tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "shown"),
    [(b"c\rd.png", "c\\rd.png"), (b"c\nd.png", "c\\nd.png"), (b"c\xffd.png", "c\\udcffd.png")],
)
def test_a_name_that_no_table_holds_stays_behind(name: bytes, shown: str, covid_mirror: Path, tmp_path: Path):
    (covid_mirror / "images" / os.fsdecode(name)).write_bytes(b"x")
    (covid_mirror / "images/é ü.png").write_bytes(b"x")
    covid_chestxray.fetch(covid(covid_mirror), tmp_path / "out")
    assert left_out(tmp_path / "out") == [(f"images/{shown}", "bad_name")]
    assert files_under(tmp_path / "out/images") == ["a.jpg", "é ü.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_mirror_file_that_may_not_be_read_is_named(covid_mirror: Path, tmp_path: Path):
    (covid_mirror / "images/a.jpg").chmod(0)
    with pytest.raises(SourceError, match=r"a\.jpg"):
        covid_chestxray.fetch(covid(covid_mirror), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_link_to_nothing_in_a_mirror_is_named(covid_mirror: Path, tmp_path: Path):
    (covid_mirror / "images/b.jpg").symlink_to(tmp_path / "gone")
    with pytest.raises(SourceError, match=r"No such file.*b\.jpg"):
        covid_chestxray.fetch(covid(covid_mirror), tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- receipts ---------------------------------------------------------------------------------------------


class Counting:
    """A source that writes one file and counts how often it was asked to."""

    def __init__(self) -> None:
        self.fetched = 0
        self.source = Source(CovidChestxrayParams, self.fetch, lambda *_: Listing())

    def fetch(self, _params: object, directory: Path) -> None:
        self.fetched += 1
        write_files(directory, {"file": b"x"})


@pytest.fixture
def counting() -> Counting:
    return Counting()


def fetch_covid(params: CovidChestxrayParams, counting: Counting, raw: Path) -> list[str]:
    return fetch_all({"covid": params}, {"covid_chestxray": counting.source}, raw)


def test_what_was_fetched_is_not_fetched_again(counting: Counting, tmp_path: Path):
    assert fetch_covid(covid("public"), counting, tmp_path) == ["covid"]
    assert fetch_covid(covid("public"), counting, tmp_path) == []


def test_another_revision_is_fetched_anew(counting: Counting, tmp_path: Path):
    fetch_covid(covid("public"), counting, tmp_path)
    assert fetch_covid(covid("public", "1" * 40), counting, tmp_path) == ["covid"]


def test_a_change_from_mirror_to_public_is_fetched_anew(counting: Counting, tmp_path: Path):
    fetch_covid(covid("/some/mirror"), counting, tmp_path)
    assert fetch_covid(covid("public"), counting, tmp_path) == ["covid"]


def test_a_mirror_is_copied_each_time_since_it_may_have_grown(counting: Counting, tmp_path: Path):
    fetch_covid(covid("/some/mirror"), counting, tmp_path)
    assert fetch_covid(covid("/some/mirror"), counting, tmp_path) == ["covid"]


def test_a_fetch_that_was_killed_before_its_receipt_is_repeated(counting: Counting, tmp_path: Path):
    fetch_covid(covid("public"), counting, tmp_path)
    (tmp_path / "covid" / RECEIPT).unlink()
    assert fetch_covid(covid("public"), counting, tmp_path) == ["covid"]


def test_a_torn_receipt_is_no_receipt(counting: Counting, tmp_path: Path):
    fetch_covid(covid("public"), counting, tmp_path)
    (tmp_path / "covid" / RECEIPT).write_text("{")
    assert fetch_covid(covid("public"), counting, tmp_path) == ["covid"]


def test_what_no_source_owns_is_removed(counting: Counting, tmp_path: Path):
    stale = {"gone/x": b"", "covid.download/x": b"", "covid.partial/x": b"", "loose.txt": b""}
    write_files(tmp_path, stale)
    fetch_covid(covid("public"), counting, tmp_path)
    assert files_under(tmp_path) == [f"covid/{RECEIPT}", "covid/file"]


def test_nothing_is_removed_when_a_fetch_fails(tmp_path: Path):
    write_files(tmp_path / "raw", {"other.download/part": b"half"})
    with pytest.raises(SourceError):
        fetch_all({"covid": covid("/nowhere")}, {"covid_chestxray": covid_chestxray.SOURCE}, tmp_path / "raw")
    assert files_under(tmp_path / "raw") == ["other.download/part"]


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "a.partial"])
def test_a_source_name_must_be_a_plain_folder_name(name: str, counting: Counting, tmp_path: Path):
    with pytest.raises(SourceError, match="letters, digits"):
        fetch_all({name: covid("public")}, {"covid_chestxray": counting.source}, tmp_path)


def test_receipts_hold_no_path_and_nothing_that_does_not_change_the_files():
    assert receipt_of(covid("/home/someone/mirror")) == {"kind": "covid_chestxray", "origin": "mirror"}
    assert receipt_of(covid("public")) == {"kind": "covid_chestxray", "origin": "public", "revision": "0" * 40}
    phantom = PhantomParams("phantom", ("COVID",), 10, 64, 0.5, 1)
    assert receipt_of(phantom) == {
        "kind": "phantom",
        "patients": 10,
        "image_size": 64,
        "covid_fraction": 0.5,
        "seed": 1,
    }
