"""Sources whose records are a table, from a public archive and from a mirror: what comes, and what is listed of it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from cxr.common.errors import SourceError
from cxr.report.words import source_words
from cxr.sources import SOURCES, covid_image_repository, github_table
from cxr.sources.base import Listing
from cxr.sources.covid_image_repository import CovidImageRepositoryParams
from cxr.sources.fetching import fetch_all, receipt_of
from cxr.sources.github_table import GithubTableParams
from cxr.sources.settings import DownloadParams
from tests.common.params_files import ROOT

from .downloads import fault_of
from .made import files_under, write_files, zip_of
from .servers import REVISION, Server

HANNOVER = "patient_id,image_id,sex,age,size,modality,projection,crp_val\n"
FIGURE1 = "patientid,offset,sex,age,finding,survival,view,modality,notes\n"
ACTUALMED = "patientid,offset,sex,age,finding,survival,view,modality,imagename,notes\n"


def external(name: str, **changes: Any) -> GithubTableParams:
    """An entry of params/external.yaml, as a person would use it."""
    section = yaml.safe_load((ROOT / "params/external.yaml").read_text(encoding="utf-8"))["download"]["external"]
    phantom = {"kind": "phantom", "train_on": [], "patients": 4, "image_size": 64, "covid_fraction": 0.5, "seed": 1}
    entry = {**section[name], **changes}
    document = {"sources": {"p": phantom}, "external": {name: entry}}
    download = DownloadParams.adapter().validate_json(json.dumps(document))
    return download.external[name]  # type: ignore[return-value]


def hannover(origin: Path | str = "public", revision: str = REVISION) -> CovidImageRepositoryParams:
    return CovidImageRepositoryParams("covid_image_repository", str(origin), revision, ("COVID",))


def listed(params: Any, root: Path, files: Mapping[str, bytes]) -> Listing:
    return SOURCES[params.kind].list_images(params, write_files(root, files), "its-name")


def facts(listing: Listing) -> list[tuple[str, ...]]:
    return [(each.path, each.label, each.patient, each.view, each.sex, each.age) for each in listing.candidates]


def reasons(listing: Listing) -> dict[str, tuple[str, str]]:
    return {row.path: (row.reason, row.detail) for row in listing.rejected}


# --- covid-19-image-repository ----------------------------------------------------------------------------


def test_hannover_s_table_gives_patient_view_and_sex_and_every_picture_is_covid(tmp_path: Path):
    table = HANNOVER + "0a,fff13f3a,f,,,CR,pa,3.0\n0b,b343e657,m,61,,DX,ap,\n0b,gone,m,,,CR,ap,\n0c,side,m,,,CR,lat,\n"
    files = {"data.csv": table.encode()}
    files |= {f"png/{name}.png": b"x" for name in ("fff13f3a", "b343e657", "side", "stray")}
    listing = listed(hannover(), tmp_path, files)
    assert facts(listing) == [
        ("png/b343e657.png", "COVID", "0b", "AP", "M", "61"),
        ("png/fff13f3a.png", "COVID", "0a", "PA", "F", ""),
    ]
    assert [each.same_as for each in listing.candidates] == ["ml-workgroup/b343e657", "ml-workgroup/fff13f3a"]
    assert reasons(listing) == {
        "png/gone.png": ("no_file", "named in data.csv"),
        "png/side.png": ("unknown_view", "lat"),
        "png/stray.png": ("no_row", "not in data.csv"),
    }


@pytest.mark.parametrize("revision", [REVISION, REVISION[:10]])
def test_hannover_s_archive_comes_without_the_larger_files_note(server: Server, revision: str, tmp_path: Path):
    top = f"covid-19-image-repository-{REVISION}"
    files = {f"{top}/data.csv": HANNOVER.encode(), f"{top}/png/a.png": b"x", f"{top}/nii/readme.md": b"later"}
    server.state.archive = zip_of(files, REVISION)
    covid_image_repository.fetch(hannover(revision=revision), tmp_path / "hannover")
    assert files_under(tmp_path) == ["hannover/data.csv", "hannover/png/a.png"]
    (call,) = server.state.seen
    assert call.path == f"/ml-workgroup/covid-19-image-repository/zip/{revision}"


def test_a_revision_that_is_too_short_to_be_the_only_one_is_refused(tmp_path: Path):
    assert "its first 10 or more" in fault_of(covid_image_repository, hannover(revision="0123456"), tmp_path / "x")


def test_an_archive_of_another_commit_than_the_short_revision_is_refused(server: Server, tmp_path: Path):
    server.state.archive = zip_of({"top/data.csv": b""}, "f" * 40)
    assert "is of ffff" in fault_of(covid_image_repository, hannover(revision=REVISION[:10]), tmp_path / "x")


# --- any repository with a table --------------------------------------------------------------------------


def test_figure1_s_pictures_are_found_by_the_patient_s_name_and_letters_are_one_person_s(tmp_path: Path):
    rows = (
        "COVID-00001,13,M,33,COVID-19,,AP erect,X-ray,",
        "COVID-00003a,,F,mid 50s,COVID-19,,,X-ray,",
        "COVID-00003b,,F,28,No finding,,PA,X-ray,",
        "COVID-00004,,,50+,Pneumonia,,,X-ray,",
        "COVID-00005,,,,,,,X-ray,",
        "COVID-00006,,,,Tuberculosis,,,X-ray,",
        "COVID-00007,,,,COVID-19,,L,X-ray,",
        "COVID-00048,,,,COVID-19,,,X-ray,",
    )
    names = ("00001.jpg", "00003a.jpg", "00003b.png", "00004.jpeg", "00005.jpg", "00006.jpg", "00007.jpg", "99.jpg")
    files = {f"images/COVID-{name}": b"x" for name in names}
    files["metadata.csv"] = (FIGURE1 + "\n".join(rows)).encode()
    listing = listed(external("figure1"), tmp_path, files)
    assert facts(listing) == [
        ("images/COVID-00001.jpg", "COVID", "COVID-00001", "AP", "M", "33"),
        ("images/COVID-00003a.jpg", "COVID", "COVID-00003", "", "F", ""),
        ("images/COVID-00003b.png", "NonCOVID", "COVID-00003", "PA", "F", "28"),
        ("images/COVID-00004.jpeg", "NonCOVID", "COVID-00004", "", "", ""),
    ]
    assert reasons(listing) == {
        "images/COVID-00005.jpg": ("unlabelled", ""),
        "images/COVID-00006.jpg": ("unknown_finding", "Tuberculosis"),
        "images/COVID-00007.jpg": ("unknown_view", "L"),
        "images/COVID-00048": ("no_file", "named in metadata.csv"),
        "images/COVID-99.jpg": ("no_row", "not in metadata.csv"),
    }


def test_actualmed_s_pictures_have_their_names_in_the_table(tmp_path: Path):
    rows = ("ANON196,,,,COVID-19,,PA,X-ray,CR.1.2.840.png,", "ANON196,,,,,,PA,X-ray,CR.1.2.841.png,Inconclusive")
    files = {"images/CR.1.2.840.png": b"x", "images/CR.1.2.841.png": b"x"}
    files["metadata.csv"] = (ACTUALMED + "\n".join(rows)).encode()
    listing = listed(external("actualmed"), tmp_path, files)
    assert facts(listing) == [("images/CR.1.2.840.png", "COVID", "ANON196", "PA", "", "")]
    assert reasons(listing) == {"images/CR.1.2.841.png": ("unlabelled", "")}


@pytest.mark.parametrize("name", ["figure1", "actualmed"])
def test_the_ready_entries_download_and_a_mirror_gives_the_same(name: str, server: Server, tmp_path: Path):
    top = f"{name}-{REVISION}"
    files = {"metadata.csv": (ACTUALMED + "7,,,,COVID-19,,PA,X-ray,a.png,").encode(), "images/a.png": b"x"}
    server.state.archive = zip_of(
        {f"{top}/{path}": data for path, data in {**files, "README.md": b""}.items()}, REVISION
    )
    params = external(name, revision=REVISION)
    public, mirror = tmp_path / "public", write_files(tmp_path / "origin", {**files, "README.md": b""})
    github_table.fetch(params, public)
    assert server.state.seen[0].path == f"/{params.repository}/zip/{REVISION}"
    github_table.fetch(external(name, origin=str(mirror)), tmp_path / "mirrored")
    assert files_under(public) == files_under(tmp_path / "mirrored") == ["images/a.png", "metadata.csv"]


def test_a_table_at_the_top_and_pictures_beside_it(tmp_path: Path):
    params = external("actualmed", images=".", columns=columns(view="", modality="", sex="", age=""))
    files = {"metadata.csv": b"patientid,finding,imagename\n7,COVID-19,a.png\n,COVID-19,b.png\n"}
    listing = listed(params, tmp_path, {**files, "a.png": b"x", "b.png": b"x", ".source.json": b"{}"})
    assert facts(listing) == [("a.png", "COVID", "7", "", "", ""), ("b.png", "COVID", "unknown", "", "", "")]
    assert listing.rejected == []


def columns(**changes: str) -> dict[str, str]:
    return {**asdict(external("actualmed").columns), **changes}


def test_lateral_views_and_ct_slices_of_a_table_teach_the_gate(tmp_path: Path):
    params = external("actualmed", views={"PA": ["PA"], "lateral": ["LL"], "not frontal": ["oblique"]})
    rows = ("1,,,,COVID-19,,LL,X-ray,a.png,", "2,,,,,,oblique,X-ray,b.png,", "3,,,,,,,CT,c.png,")
    files = {f"images/{name}.png": b"x" for name in "abc"}
    files["metadata.csv"] = (ACTUALMED + "\n".join(rows)).encode()
    listing = listed(params, tmp_path, files)
    assert [(view.path, view.patient, view.shown) for view in listing.other_views] == [
        ("images/a.png", "1", "lateral"),
        ("images/c.png", "3", "ct"),
    ]
    assert [row.reason for row in listing.rejected] == ["not_frontal", "not_frontal", "not_xray"]


def test_a_name_that_climbs_out_and_a_stem_of_two_pictures_find_no_file(tmp_path: Path):
    rows = ("1,,,,COVID-19,,PA,X-ray,../secret.png,", "2,,,,COVID-19,,PA,X-ray,a,")
    files = {"secret.png": b"x", "images/a.png": b"x", "images/a.jpg": b"x"}
    files["metadata.csv"] = (ACTUALMED + "\n".join(rows)).encode()
    listing = listed(external("actualmed"), tmp_path, files)
    assert listing.candidates == []
    assert [row.reason for row in listing.rejected].count("no_file") == 2


def test_a_patient_that_the_expression_does_not_find_stops_the_stage(tmp_path: Path):
    files = {"metadata.csv": (FIGURE1 + "P-1,,,,COVID-19,,,X-ray,").encode(), "images/P-1.jpg": b"x"}
    with pytest.raises(SourceError, match=r"its-name: metadata\.csv: 'P-1' does not match the patient expression"):
        listed(external("figure1"), tmp_path, files)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"findings": {"COVID": ["x"], "NonCOVID": ["x"]}}, "findings has 'x' under 'COVID' and 'NonCOVID'"),
        ({"views": {"PA": ["x"], "AP": ["x"]}}, "views has 'x' under 'PA' and 'AP'"),
        ({"views": {"sideways": ["x"]}}, "'lateral'"),
        ({"findings": {"COVID-19": ["x"]}}, "'NonCOVID'"),
        ({"repository": "https://github.com/a/b"}, "repository"),
        ({"columns": {"file": "f"}}, "columns.patient"),
    ],
)
def test_settings_that_can_not_work_are_refused(changes: dict[str, Any], words: str):
    with pytest.raises(ValidationError) as caught:
        external("figure1", **changes)
    assert words in str(caught.value)


def test_what_only_changes_the_reading_is_not_downloaded_again(server: Server, tmp_path: Path):
    server.state.archive = zip_of({"top/metadata.csv": ACTUALMED.encode(), "top/images/a.png": b"x"}, REVISION)
    fetch = [external("actualmed", revision=REVISION), external("actualmed", revision=REVISION, xray=["DX"])]
    assert [fetch_all({"a": params}, SOURCES, tmp_path) for params in fetch] == [["a"], []]
    assert receipt_of(fetch[0]) == {
        "kind": "github_table",
        "origin": "public",
        "repository": "agchung/Actualmed-COVID-chestxray-dataset",
        "revision": REVISION,
        "table": "metadata.csv",
        "images": "images",
    }


def test_the_report_says_of_a_table_what_params_yaml_says_of_it():
    section = yaml.safe_load((ROOT / "params/external.yaml").read_text(encoding="utf-8"))["download"]["external"]
    said = source_words(section["actualmed"])
    assert said.what.endswith("agchung/Actualmed-COVID-chestxray-dataset")
    assert "research purposes only" in said.licence
