"""The structured report: what it says, of which study, and that others can read it."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

pytest.importorskip("highdicom", reason="needs the extra clinic")

from highdicom.sr import Comprehensive3DSR

from cxr.common.errors import ResultError
from cxr.dicom_results.options import ResultOptions
from cxr.dicom_results.results import make_results
from tests.dicom_results.made import AT_SITE, COVID, MODEL, NON_COVID, REFUSED, WHEN, content, said_by, source, written

REFUSALS = ResultOptions(refusals=True)


def report_of(image: Dataset, answer=COVID, options: ResultOptions | None = None) -> Dataset:
    return make_results(image, answer, options, model=MODEL, when=WHEN)[0]


def test_it_says_the_finding_the_numbers_the_model_and_every_warning():
    made = report_of(source())
    said = content(made)
    assert made.ConceptNameCodeSequence[0].CodeMeaning.endswith("NOT FOR CLINICAL USE")
    assert made.SeriesDescription.endswith("NOT FOR CLINICAL USE")
    assert dict(said)["Finding"] == "882784691000119100"
    assert dict(said)["Answer of the classifier"] == "COVID"
    assert dict(said)["Calibrated probability of COVID-19 pneumonia"] == 0.971
    assert dict(said)["Probability from which a picture is called COVID"] == 0.4
    assert (dict(said)["Algorithm Name"], dict(said)["Algorithm Version"]) == (MODEL["name"], MODEL["version"])
    assert dict(said)["Stamp of the model's audit"] == "shortcut_flagged: The audit found it."
    assert dict(said)["Warning"] == "near_threshold: It is close."
    assert dict(said)["Observer Type"] == "121007"  # a device; no person
    assert "Person Observer Name" not in dict(said)
    assert dict(said)["Source of Measurement"] == source().SOPInstanceUID


def test_it_says_the_triage_group_and_the_site_or_that_nobody_tested_the_model_here():
    said = dict(content(report_of(source(), AT_SITE)))
    assert said["Site that the model was commissioned for"] == "St. Example"
    assert said["Triage group by the site's certified cuts"] == "likely"
    assert said["Whether the model was tested where it is used"] == "commissioned"
    assert "profile=0123456789ab" in [value for _, value in content(report_of(source(), AT_SITE))]
    (refused,) = make_results(source(), replace(REFUSED, site="St. Example"), REFUSALS, model=MODEL)
    assert dict(content(refused))["Site that the model was commissioned for"] == "St. Example"
    elsewhere = dict(content(report_of(source())))
    assert elsewhere["Whether the model was tested where it is used"] == "not_commissioned"
    assert not {"Site that the model was commissioned for", "Triage group by the site's certified cuts"} & set(
        elsewhere
    )


@pytest.mark.parametrize("wrong", [{"triage": "maybe"}, {"site": 7}, {"site": None}, {"profile": "0" * 65}])
def test_a_site_that_is_none_is_refused(wrong: dict[str, object]):
    with pytest.raises(ResultError, match=next(iter(wrong))):
        report_of(source(), {**asdict(AT_SITE), **wrong})


def test_another_class_is_said_in_a_code_that_claims_no_more():
    said = dict(content(report_of(source(), NON_COVID)))
    assert (said["Finding"], said["Answer of the classifier"]) == ("NonCOVID", "NonCOVID")
    assert "Stamp of the model's audit" not in said


def test_it_is_in_the_patient_s_study_in_a_series_of_its_own():
    image = source()
    made = dcmread(_bytes(report_of(image)))
    for keyword in ("StudyInstanceUID", "PatientID", "AccessionNumber", "StudyID", "StudyDate", "PatientBirthDate"):
        assert made[keyword].value == image[keyword].value, keyword
    assert str(made.PatientName) == "Müller^Jörg"
    assert made.SeriesInstanceUID != image.SeriesInstanceUID
    evidence = made.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert evidence.SeriesInstanceUID == image.SeriesInstanceUID
    assert evidence.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID


def _bytes(made: Dataset):
    import io

    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    file.seek(0)
    return file


@pytest.mark.parametrize("answer", [COVID, NON_COVID, REFUSED, AT_SITE], ids=["covid", "other", "refused", "site"])
def test_dcmtk_and_highdicom_read_it(answer, tmp_path: Path):
    path = written(report_of(source(), answer, REFUSALS), tmp_path)
    assert not [line for line in said_by("dsrdump", path).splitlines() if line.startswith(("E:", "F:"))]
    assert Comprehensive3DSR.from_dataset(dcmread(path)).content.is_root


@pytest.mark.parametrize("image", [source(), source(PatientName=None, PatientOrientation=None, StudyDate=None)])
@pytest.mark.parametrize("answer", [COVID, REFUSED], ids=lambda answer: answer.state)
def test_dciodvfy_finds_no_error(answer, image: Dataset, tmp_path: Path):
    options = ResultOptions(presentation_state=True, refusals=True)
    for made in make_results(image, answer, options, model=MODEL, when=WHEN):
        assert "Error" not in said_by("dciodvfy", written(made, tmp_path))


def test_an_image_with_all_its_descriptors_is_in_the_image_library():
    assert "Image Library" in dict(content(report_of(source())))
    assert "Image Library" not in dict(content(report_of(source(ImagerPixelSpacing=None))))


def test_a_refusal_is_reported_only_where_asked_for_and_with_its_reason():
    assert make_results(source(), REFUSED, model=MODEL) == []
    (made,) = make_results(source(), REFUSED, REFUSALS, model=MODEL, when=WHEN)
    said = dict(content(made))
    assert said["Finding"] == said["Answer of the classifier"] == "Refused"
    assert said["Reason of the refusal"] == "lateral: This looks like a lateral view."
    assert "Calibrated probability of COVID-19 pneumonia" not in said


def test_the_service_s_json_makes_the_same_objects():
    fields = asdict(COVID) | {"model": MODEL}
    of_json = make_results(source(), fields, when=WHEN)
    of_engine = make_results(source(), COVID, model=MODEL, when=WHEN)
    assert [_bytes(made).read() for made in of_json] == [_bytes(made).read() for made in of_engine]


def test_made_again_it_is_the_same_object_and_of_another_model_another():
    first = report_of(source())
    assert _bytes(first).read() == _bytes(report_of(source())).read()
    later = make_results(source(), COVID, model=MODEL)[0]
    assert later.SOPInstanceUID == first.SOPInstanceUID
    other = make_results(source(), COVID, model={**MODEL, "version": "other"})[0]
    stricter = make_results(source(), {**asdict(COVID), "threshold": 0.9}, model=MODEL)[0]
    there = report_of(source(), AT_SITE)
    again = report_of(source(), replace(AT_SITE, profile="ba9876543210"))
    assert len({made.SOPInstanceUID for made in (first, other, stricter, there, again)}) == 5
    assert there.SOPInstanceUID == report_of(source(), replace(AT_SITE, triage="uncertain")).SOPInstanceUID


def test_uids_are_under_the_site_s_root():
    root = "1.2.826.0.1.3680043.10.1234"
    made = report_of(source(), options=ResultOptions(uid_root=root))
    for uid in (made.SOPInstanceUID, made.SeriesInstanceUID):
        assert uid.startswith(root + ".")
        assert uid.is_valid


@pytest.mark.parametrize("root", ["", "1", "1.02", "1.2.", "a.b", "1." + "2" * 40])
def test_a_root_that_is_none_is_refused(root: str):
    with pytest.raises(ResultError, match="uid_root"):
        ResultOptions(uid_root=root)


@pytest.mark.parametrize("text", [{"manufacturer": ""}, {"device_name": "a\\b"}, {"institution": "x" * 65}])
def test_a_text_that_dicom_does_not_take_is_refused(text: dict[str, str]):
    with pytest.raises(ResultError, match=next(iter(text))):
        ResultOptions(**text)
