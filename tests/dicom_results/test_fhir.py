"""The FHIR report: its form, and that it names no person."""

import json

import pytest

pytest.importorskip("highdicom", reason="needs the extra clinic")

from cxr.dicom_results.fhir import fhir_report
from cxr.dicom_results.options import ResultOptions
from cxr.dicom_results.results import make_results
from tests.dicom_results.made import AT_SITE, COVID, MODEL, REFUSED, WHEN, source


def test_it_says_what_the_structured_report_says_and_points_to_it():
    image = source()
    made = fhir_report(image, COVID, model=MODEL, when=WHEN)
    sr = make_results(image, COVID, model=MODEL, when=WHEN)[0]
    assert made is not None
    assert made["resourceType"] == "DiagnosticReport"
    assert made["identifier"][0]["value"] == f"urn:oid:{sr.SOPInstanceUID}"
    assert made["imagingStudy"][0]["identifier"]["value"] == f"urn:oid:{image.StudyInstanceUID}"
    assert made["conclusionCode"][0]["coding"][0] == {
        "system": "http://snomed.info/sct",
        "code": "882784691000119100",
        "display": "Pneumonia caused by SARS-CoV-2",
    }
    assert made["conclusion"].startswith("NOT FOR CLINICAL USE.")
    assert "COVID 97.1 % (threshold 40.0 %)" in made["conclusion"]
    by_id = {resource["id"]: resource for resource in made["contained"]}
    assert {reference["reference"] for reference in made["result"]} == {f"#{name}" for name in by_id} - {"#device"}
    assert by_id["p-covid"]["valueQuantity"]["value"] == 0.971
    assert by_id["threshold"]["valueQuantity"]["value"] == 0.4
    assert [note["text"] for note in by_id["answer"]["note"]] == [
        "shortcut_flagged: The audit found it.",
        "near_threshold: It is close.",
    ]


def test_it_says_the_triage_group_and_the_site_or_that_nobody_tested_the_model_here():
    made = fhir_report(source(), AT_SITE, model=MODEL)
    assert made is not None
    by_id = {resource["id"]: resource for resource in made["contained"]}
    assert by_id["triage"]["valueCodeableConcept"]["coding"][0]["code"] == "likely"
    assert by_id["commissioning"]["valueCodeableConcept"]["coding"][0]["code"] == "commissioned"
    assert by_id["site"]["valueString"] == "St. Example"
    assert {"type": {"text": "site profile"}, "value": "0123456789ab"} in by_id["device"]["version"]
    assert " Triage at St. Example: likely." in made["conclusion"]
    elsewhere = fhir_report(source(), COVID, model=MODEL)
    assert elsewhere is not None
    assert " Not commissioned." in elsewhere["conclusion"]
    assert elsewhere["identifier"] != made["identifier"]


def test_it_names_no_person():
    image = source(PatientID="PID-4711", OtherPatientNames="Somebody^Else")
    text = json.dumps(fhir_report(image, COVID, model=MODEL), ensure_ascii=False)
    assert "subject" not in text
    for secret in ("Müller", "PID-4711", "19610203", "A-17", "Somebody"):
        assert secret not in text


def test_a_refusal_is_told_only_where_asked_for():
    assert fhir_report(source(), REFUSED, model=MODEL) is None
    made = fhir_report(source(), REFUSED, ResultOptions(refusals=True), model=MODEL)
    assert made is not None
    assert "Refused: This looks like a lateral view." in made["conclusion"]
    assert len(made["result"]) == 2  # the answer, and whether the model was commissioned
