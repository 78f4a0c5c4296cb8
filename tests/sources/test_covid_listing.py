"""What the table of covid-chestxray-dataset says: candidates, rejections with their reasons, patients."""

from pathlib import Path

import pytest

from cxr.common.errors import SourceError
from cxr.sources import covid_chestxray
from cxr.sources.base import Listing
from cxr.sources.covid_chestxray import CovidChestxrayParams

from .made import HEADER, metadata, write_files

COVID = CovidChestxrayParams("covid_chestxray", "public", "0" * 40, ("COVID",))


def covid_listing(root: Path, rows: list[str], files: list[str]) -> Listing:
    write_files(root, {"metadata.csv": metadata(*rows), **{f"images/{file}": b"x" for file in files}})
    return covid_chestxray.list_images(COVID, root, "github")


def row(filename: str, patient="1", finding="COVID-19", view="PA", modality="X-ray", place="images") -> str:
    return f'{patient},0,M,60,"{finding}",{view},{modality},{place},{filename}'


@pytest.mark.parametrize(
    ("finding", "label"),
    [
        ("COVID-19", "COVID"),
        ("COVID-19, ARDS", "COVID"),
        ("Pneumonia/Viral/COVID-19", "COVID"),
        ("SARS", "NonCOVID"),
        ("No Finding", "NonCOVID"),
        ("Pneumonia/Bacterial/Streptococcus", "NonCOVID"),
        ("Mycoplasma Bacterial Pneumonia", "NonCOVID"),
    ],
)
def test_findings_of_both_generations_have_their_label(finding: str, label: str, tmp_path: Path):
    (candidate,) = covid_listing(tmp_path, [row("a.jpg", finding=finding)], ["a.jpg"]).candidates
    assert (candidate.label, candidate.finding) == (label, finding)


PNEUMONIAS = (
    *("Aspiration", "Lipoid", "Fungal/Aspergillosis", "Fungal/Pneumocystis"),
    *("Viral/SARS", "Viral/MERS-CoV", "Viral/Influenza", "Viral/Influenza/H1N1", "Viral/Varicella", "Viral/Herpes "),
    *("Bacterial", "Bacterial/Chlamydophila", "Bacterial/E.Coli", "Bacterial/Klebsiella", "Bacterial/Legionella"),
    *("Bacterial/Mycoplasma", "Bacterial/Nocardia", "Bacterial/Staphylococcus/MRSA", "Bacterial/Streptococcus"),
)


@pytest.mark.parametrize(
    "finding", ["No Finding", "Pneumonia", "Tuberculosis", *(f"Pneumonia/{kind}" for kind in PNEUMONIAS)]
)
def test_every_other_finding_of_the_pinned_revision_is_known(finding: str):
    assert covid_chestxray.label_of(finding) == "NonCOVID"


@pytest.mark.parametrize("finding", ["No COVID-19", "COVID-19 suspected", "COVID-190", "covid-19", "Pneumonia/Viral/X"])
def test_a_finding_is_compared_whole_never_by_a_piece_of_it(finding: str, tmp_path: Path):
    listing = covid_listing(tmp_path, [row("a.jpg", finding=finding)], ["a.jpg"])
    assert [(reject.reason, reject.detail) for reject in listing.rejected] == [("unknown_finding", finding)]


@pytest.mark.parametrize(("view", "kept"), [("PA", "PA"), ("AP", "AP"), ("AP Supine", "AP Supine"), ("AP Erect", "AP")])
def test_frontal_views_are_kept(view: str, kept: str, tmp_path: Path):
    (candidate,) = covid_listing(tmp_path, [row("a.jpg", view=view)], ["a.jpg"]).candidates
    assert candidate.view == kept


@pytest.mark.parametrize(
    ("changed", "reason", "detail"),
    [
        ({"view": "L"}, "not_frontal", "L"),
        ({"view": "Coronal"}, "not_frontal", "Coronal"),
        ({"view": "?"}, "unknown_view", "?"),
        ({"view": ""}, "unknown_view", ""),
        ({"view": "PA oblique"}, "unknown_view", "PA oblique"),
        ({"modality": "CT"}, "not_xray", "CT"),
        ({"finding": "todo"}, "unlabelled", "todo"),
        ({"finding": ""}, "unlabelled", ""),
        ({"finding": "Unknown"}, "unlabelled", "Unknown"),
    ],
)
def test_what_is_dropped_is_one_row_with_its_reason(changed: dict, reason: str, detail: str, tmp_path: Path):
    listing = covid_listing(tmp_path, [row("a.jpg", **changed)], ["a.jpg"])
    (rejected,) = listing.rejected
    assert listing.candidates == []
    assert (rejected.path, rejected.source) == ("images/a.jpg", "github")
    assert (rejected.reason, rejected.detail) == (reason, detail)


def test_a_row_without_a_file_and_a_file_without_a_row(tmp_path: Path):
    listing = covid_listing(tmp_path, [row("gone.jpg"), row("here.jpg")], ["here.jpg", "stray.jpg", ".DS_Store"])
    assert [candidate.path for candidate in listing.candidates] == ["images/here.jpg"]
    assert [(reject.path, reject.reason) for reject in listing.rejected] == [
        ("images/gone.jpg", "no_file"),
        ("images/stray.jpg", "no_row"),
    ]


def test_a_missing_ct_volume_is_no_xray_rather_than_missing(tmp_path: Path):
    listing = covid_listing(tmp_path, [row("v.nii.gz", modality="CT", view="Axial", place="volumes")], [])
    assert [reject.reason for reject in listing.rejected] == ["not_xray"]


def test_a_row_that_points_out_of_the_folder_has_no_file(tmp_path: Path):
    write_files(tmp_path, {"secret.jpg": b"x"})
    listing = covid_listing(tmp_path / "in", [row("../../secret.jpg")], ["a.jpg"])
    assert {reject.reason for reject in listing.rejected} == {"no_file", "no_row"}


def test_two_rows_of_one_file_are_one_candidate_and_their_patients_one_person(tmp_path: Path):
    rows = [row("a.jpg", "285"), row("a.jpg", "339"), row("b.jpg", "339"), row("c.jpg", "7")]
    listing = covid_listing(tmp_path, rows, ["a.jpg", "b.jpg", "c.jpg"])
    assert [(candidate.path, candidate.patient) for candidate in listing.candidates] == [
        ("images/a.jpg", "285"),
        ("images/b.jpg", "285"),
        ("images/c.jpg", "7"),
    ]


def test_two_rows_of_one_file_with_both_labels_conflict(tmp_path: Path):
    listing = covid_listing(tmp_path, [row("a.jpg"), row("a.jpg", finding="SARS")], ["a.jpg"])
    assert [(reject.reason, reject.detail) for reject in listing.rejected] == [
        ("conflicting_labels", "COVID-19 and SARS")
    ]


def test_patients_that_differ_by_a_letter_are_two(tmp_path: Path):
    listing = covid_listing(tmp_path, [row("a.jpg", "331a"), row("b.jpg", "331b")], ["a.jpg", "b.jpg"])
    assert [candidate.patient for candidate in listing.candidates] == ["331a", "331b"]


def test_a_picture_copied_from_another_collection_says_which_one_it_is_there(tmp_path: Path):
    urls = {
        "b343e657.jpg": "https://github.com/ml-workgroup/covid-19-image-repository",
        "c.jpg": "https://example.org/not-ml-workgroup/x",
        "d.jpg": "",
    }
    listing = covid_listing(tmp_path, [f"{row(file)},{url}" for file, url in urls.items()], list(urls))
    assert [candidate.same_as for candidate in listing.candidates] == ["ml-workgroup/b343e657", "", ""]


def test_pictures_without_a_patient_stay_together(tmp_path: Path):
    listing = covid_listing(tmp_path, [row("a.jpg", ""), row("b.jpg", "")], ["a.jpg", "b.jpg"])
    assert {candidate.patient for candidate in listing.candidates} == {"unknown"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "lacks the columns patientid, sex, age"),
        (HEADER.replace("view,", "").encode(), "lacks the columns view;"),
        (b"\xff\xfe" + HEADER.encode(), "not a CSV table in UTF-8"),
        (HEADER.encode() + b'"' + b"x" * 200_000 + b'"', "not a CSV table"),
        (None, "is missing"),
    ],
)
def test_a_bad_metadata_table_is_one_sentence(content: bytes | None, words: str, tmp_path: Path):
    if content is not None:
        write_files(tmp_path, {"metadata.csv": content})
    with pytest.raises(SourceError, match=words):
        covid_chestxray.list_images(COVID, tmp_path, "github")


def test_a_short_row_is_read_as_unknown(tmp_path: Path):
    listing = covid_listing(tmp_path, ["1,0,M"], [])
    assert [reject.reason for reject in listing.rejected] == ["not_xray"]


def test_ct_slices_and_lateral_views_are_named_with_their_patients(tmp_path: Path):
    rows = [row("ct.png", "1", modality="CT", view="Axial"), row("l.png", "2", view="L"), row("m.png", "3", view="?")]
    rows += [row("same.png", "5", view="Lateral"), row("same.png", "4", view="Lateral")]
    rows += [row("v.nii.gz", "6", modality="CT", view="Axial", place="volumes"), row("gone.png", "7", view="L")]
    listing = covid_listing(tmp_path, rows, ["ct.png", "l.png", "m.png", "same.png"])
    assert [(view.path, view.patient, view.shown) for view in listing.other_views] == [
        ("images/ct.png", "1", "ct"),
        ("images/l.png", "2", "lateral"),
        ("images/same.png", "4", "lateral"),  # 4 and 5 are one person
    ]
    assert {view.path for view in listing.other_views} <= {reject.path for reject in listing.rejected}


def test_a_mask_names_the_picture_that_its_own_name_begins_with(tmp_path: Path):
    masks = ("a_mask.png", "b_mask.png.png", "c_mask.png", "gone_mask.png", "notes.txt")
    write_files(tmp_path, {f"annotations/lungVAE-masks/{file}": b"x" for file in masks})
    rows = [row("a.jpg"), row("b.png"), row("b.jpg"), row("c.png", view="L")]
    listing = covid_listing(tmp_path, rows, ["a.jpg", "b.jpg", "c.png"])
    assert [(Path(mask.path).name, mask.picture) for mask in listing.lung_masks] == [
        ("a_mask.png", "images/a.jpg"),
        ("b_mask.png.png", "images/b.jpg"),
        ("c_mask.png", "images/c.png"),
        ("gone_mask.png", ""),
    ]


def test_of_two_pictures_of_one_name_the_usable_one_has_the_mask(tmp_path: Path):
    write_files(tmp_path, {"annotations/lungVAE-masks/a_mask.png": b"x"})
    listing = covid_listing(tmp_path, [row("a.jpg"), row("a.png", view="L")], ["a.jpg", "a.png"])
    assert [mask.picture for mask in listing.lung_masks] == ["images/a.jpg"]
