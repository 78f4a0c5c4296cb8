"""From an X-ray in a real archive to the results beside it: Orthanc, the node as a process, and DICOMweb."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from pydicom import dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import Comprehensive3DSRStorage, SecondaryCaptureImageStorage

from tests.node.web_parts import web_receiver
from tests.servers.orthanc import started, web
from tests.tiny import complete_tiny_bundle
from tools.ask import free_port
from tools.clinic import Clinic, await_results, configuration, open_node, plan, send
from tools.clinic_phantoms import phantom
from tools.orthanc import rest

SIZE = 96  # pixels
WITHIN_S = 60
REPORT = Comprehensive3DSRStorage
HEAT_MAP = SecondaryCaptureImageStorage


def xrays(*numbers: int) -> list[Dataset]:
    return [phantom(number, covid=number % 2 == 0, image_size=SIZE) for number in numbers]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return complete_tiny_bundle(tmp_path_factory.mktemp("model") / "bundle")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with started(plan(tmp_path_factory.mktemp("clinic"), free_port())) as running:
        yield running


@pytest.fixture(scope="module")
def receiver():
    """Of FHIR reports."""
    with web_receiver() as state:
        yield state


@pytest.fixture(scope="module")
def clinic(archive, model, receiver):
    """A node that gets X-rays from the archive, and searches it for those that did not come."""
    folder = archive.plan.folder.parent
    settings = configuration(archive.plan, folder, model, 1)
    address = settings["destinations"]["archive"]["address"]
    search = {"kind": "wado", "address": address, "search": {"days": 2}, "every_s": 0.5}
    changes = {
        "sources": settings["sources"] | {"search": search},
        "destinations": settings["destinations"] | {"his": {"kind": "fhir", "address": {"url": receiver.url}}},
        "retry": {"first_s": 0.2, "longest_s": 1.0},
    }
    with open_node(archive.plan, folder, model, **changes) as opened:
        yield opened


@pytest.fixture(scope="module")
def answered(clinic) -> dict[str, Dataset]:
    """SOP class to object of a study with one X-ray, as DICOMweb gives it."""
    (picture,) = xrays(1)
    send(clinic.archive, [picture])
    await_results(clinic, [picture.StudyInstanceUID])
    client = web(clinic.archive)
    found = client.search_for_instances(picture.StudyInstanceUID)
    places = [[one[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018")] for one in found]
    objects = [client.retrieve_instance(*place) for place in places]
    return {one.SOPClassUID: one for one in objects}


def test_a_report_and_a_heat_map_stand_beside_the_xray(answered):
    (picture,) = xrays(1)
    assert set(answered) == {picture.SOPClassUID, REPORT, HEAT_MAP}
    for made in (answered[REPORT], answered[HEAT_MAP]):
        assert made.StudyInstanceUID == picture.StudyInstanceUID
        assert made.PatientID == picture.PatientID
        assert "NOT FOR CLINICAL USE" in made.SeriesDescription
    assert answered[HEAT_MAP].pixel_array.shape[-1] == 3


def test_the_report_refers_to_the_xray(answered):
    (picture,) = xrays(1)
    evidence = answered[REPORT].CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert evidence.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == picture.SOPInstanceUID


@pytest.mark.skipif(not shutil.which("dsrdump"), reason="no dsrdump: install Debian's package dcmtk")
def test_dcmtk_reads_the_report_from_the_archive(answered, tmp_path):
    dcmwrite(tmp_path / "report.dcm", answered[REPORT], enforce_file_format=True)
    command = ["dsrdump", str(tmp_path / "report.dcm")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "NOT FOR CLINICAL USE" in said
    assert "Calibrated probability" in said


def test_the_answer_is_posted_as_fhir(answered, receiver):
    (picture,) = xrays(1)
    report = json.loads(receiver.got[0][1])
    assert report["resourceType"] == "DiagnosticReport"
    assert report["imagingStudy"][0]["identifier"]["value"] == f"urn:oid:{picture.StudyInstanceUID}"
    assert report["identifier"][0]["value"] == f"urn:oid:{answered[REPORT].SOPInstanceUID}"


def test_the_same_xray_again_makes_no_second_report(clinic, answered):
    send(clinic.archive, xrays(1))
    send(clinic.archive, xrays(3))
    await_results(clinic, [xrays(3)[0].StudyInstanceUID])
    assert counts(clinic, xrays(1)) == [{"CR": 1, "SR": 1, "OT": 1}]


def test_the_nodes_log_names_nobody(clinic, answered):
    said = clinic.log.read_text()
    (picture,) = xrays(1)
    tells = ("PatientName", "PatientID", "AccessionNumber", "StudyInstanceUID", "SOPInstanceUID")
    assert [name for name in tells if str(picture[name].value) in said] == []


def counts(clinic: Clinic, pictures: list[Dataset]) -> list[dict[str, int]]:
    """For each picture's study: objects by modality, as Orthanc itself counts them."""
    found = {}
    for series in rest(clinic.archive, "/series?expand"):
        study = rest(clinic.archive, f"/studies/{series['ParentStudy']}")["MainDicomTags"]["StudyInstanceUID"]
        objects = found.setdefault(study, {})
        modality = series["MainDicomTags"]["Modality"]
        objects[modality] = objects.get(modality, 0) + len(series["Instances"])
    return [found.get(one.StudyInstanceUID, {}) for one in pictures]


def test_an_archive_that_is_killed_in_the_middle_loses_nothing_and_gets_nothing_twice(clinic, archive, receiver):
    """Orthanc forgets what it has not sent yet; the node's own search brings that."""
    pictures = xrays(*range(10, 22))
    send(clinic.archive, pictures)
    archive.kill()
    archive.start()
    wait_for(clinic, pictures)
    time.sleep(1)  # another search, and another try of every part
    assert counts(clinic, pictures) == [{"CR": 1, "SR": 1, "OT": 1}] * len(pictures)
    reports = [headers["If-None-Exist"] for headers, _ in receiver.got]
    assert len(set(reports)) == len(reports) >= len(pictures)


def wait_for(clinic: Clinic, pictures: list[Dataset]) -> None:
    latest = time.monotonic() + WITHIN_S
    while not all({"SR", "OT"} <= set(one) for one in counts(clinic, pictures)):
        assert time.monotonic() < latest, clinic.log.read_text()[-2000:]
        time.sleep(0.2)
