"""What the soak of the node sends and counts; the soak itself is run by hand (docs/results/node.json)."""

from pathlib import Path

from pydicom import dcmread

from cxr.inference.answer import Answer
from cxr.node.ask import Reply
from cxr.node.results import result_maker, write_results
from cxr.node.rules import RuleSettings, look
from cxr.node.settings import ResultSettings
from cxr.sources.dicom_facts import Pseudonyms
from tools.node_soak import reports
from tools.node_soak_objects import write_objects

REPLY = Reply(
    Answer("NonCOVID", 90.0, {"NonCOVID": 0.9, "COVID": 0.1}, 0.5),
    {"name": "covid-cxr", "version": "0123456789ab", "backbone": "tiny"},
)


def test_the_objects_of_a_soak_are_all_different_and_all_picked(tmp_path: Path) -> None:
    files = write_objects(tmp_path, 40, 64)
    assert len({file.name for file in files}) == 40
    assert len({bytes(dcmread(file).PixelData) for file in files}) == 40
    assert {look(file, RuleSettings(), Pseudonyms(b"key")).reason for file in files} == {""}


def test_reports_are_counted_by_the_image_that_they_are_about(tmp_path: Path) -> None:
    one, other = write_objects(tmp_path, 2, 64)
    make = result_maker(ResultSettings(heatmap=False))
    for number, file in enumerate((one, other)):
        write_results(tmp_path, number, make(dcmread(file), REPLY))
    for number in (0, 1, 2):
        name = f"{min(number, 1)}-0.dcm"  # the second object has two
        (tmp_path / f"SR{number}").write_bytes((tmp_path / "results" / name).read_bytes())
    assert reports(tmp_path) == {one.stem: 1, other.stem: 2}
