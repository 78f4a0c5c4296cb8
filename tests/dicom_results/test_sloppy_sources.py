"""Headers as archives hold them: results are made all the same, or it is said why not."""

import contextlib
import io
import random

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

pytest.importorskip("highdicom", reason="needs the extra clinic")

from cxr.common.errors import ResultError
from cxr.dicom_results.options import ResultOptions
from cxr.dicom_results.results import make_results
from cxr.imaging.dicom_decoder import DICOM_FAULTS
from tests.dicom_results.made import COVID, MODEL, WHEN, source
from tests.fuzz.samples import ramp

EVERYTHING = ResultOptions(presentation_state=True)
SLOPPY = {
    "no names": dict.fromkeys(("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "SpecificCharacterSet")),
    "no study": dict.fromkeys(("StudyID", "AccessionNumber", "StudyDate", "StudyTime", "InstanceNumber")),
    "no picture facts": dict.fromkeys(
        ("Modality", "PatientOrientation", "ImagerPixelSpacing", "WindowCenter", "WindowWidth")
    ),
    "words in dates": {"PatientBirthDate": "3.2.1961", "StudyDate": "unknown", "StudyTime": "8 Uhr"},
    "a word for the sex": {"PatientSex": "female"},
    "empty texts": {"PatientName": "", "StudyID": "", "AccessionNumber": "", "PatientOrientation": ""},
    "too long": {"PatientID": "P" * 90, "StudyID": "S" * 40, "AccessionNumber": "A" * 40},
    "zeros in a UID": {"StudyInstanceUID": "1.2.003.4"},
    "a negative number": {"InstanceNumber": -3},
    "odd orientation": {"PatientOrientation": ["L"], "ImagerPixelSpacing": [0.1, 0.1]},
    "several windows": {"WindowCenter": [100, 200, 300], "WindowWidth": [100]},
    "secondary capture": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
}


@pytest.mark.parametrize("elements", SLOPPY.values(), ids=SLOPPY.keys())
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_all_results_are_made_and_can_be_read(elements: dict):
    image = source(**elements)
    for made in make_results(image, COVID, EVERYTHING, model=MODEL, when=WHEN):
        file = io.BytesIO()
        made.save_as(file, enforce_file_format=True)
        file.seek(0)
        found = dcmread(file)
        for keyword in ("StudyInstanceUID", "PatientID", "AccessionNumber", "StudyID"):
            assert str(found.get(keyword) or "") == str(image.get(keyword) or ""), keyword


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 192", "王^小東"),
        ("GB18030", "王^小东"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("ISO_IR 144", "Люкceмбypг"),
        (None, "Doe^Jane"),
    ],
)
def test_a_name_survives_in_every_alphabet(character_set, name: str):
    image = source(SpecificCharacterSet=character_set, PatientName=name)
    for made in make_results(image, COVID, model=MODEL):
        file = io.BytesIO()
        made.save_as(file, enforce_file_format=True)
        file.seek(0)
        assert str(dcmread(file).PatientName) == name


def test_no_name_is_printed(recwarn: pytest.WarningsRecorder, caplog: pytest.LogCaptureFixture):
    for name in ("Confidential", "Confidential^^^^^^", "=Confidential"):
        make_results(source(PatientName=name, ReferringPhysicianName=name), COVID, EVERYTHING, model=MODEL)
    assert not [warning for warning in recwarn if "Confidential" in str(warning.message)]
    assert "Confidential" not in caplog.text


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_an_unknown_character_set_is_no_fault():
    image = source(SpecificCharacterSet=None, PatientName="Doe^Jane")
    image.SpecificCharacterSet = "latin-nineteen"
    assert len(make_results(image, COVID, model=MODEL)) == 2


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"])
def test_an_image_that_nothing_can_refer_to_is_said(keyword: str):
    image = source()
    delattr(image, keyword)
    with pytest.raises(ResultError, match=f"has no {keyword}"):
        make_results(image, COVID, model=MODEL)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_a_uid_that_is_none_is_said():
    with pytest.raises(ResultError, match="SeriesInstanceUID is no UID"):
        make_results(source(SeriesInstanceUID="series one"), COVID, model=MODEL)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_header_gives_results_or_one_sentence(seed: int):
    file = io.BytesIO()
    source().save_as(file, enforce_file_format=True)
    header = bytearray(file.getvalue()[:1400])
    rng = random.Random(seed)
    for place in rng.sample(range(132, len(header)), 5):
        header[place] = rng.choice(b"\\^= \0.9AZ\xff")
    try:
        image = dcmread(io.BytesIO(header), stop_before_pixels=True, force=True)
    except DICOM_FAULTS:
        return  # nobody has an image of it
    with contextlib.suppress(ResultError):
        for made in make_results(image, COVID, EVERYTHING, model=MODEL, picture=ramp()):
            made.save_as(io.BytesIO(), enforce_file_format=True)


def test_an_object_that_is_no_image_is_said():
    image = source()
    image.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
    with pytest.raises(ResultError, match="no kind of image"):
        make_results(image, COVID, model=MODEL)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({}, "which model"),
        ({"model": {"name": "m"}}, "state is None"),
        ({"model": {"name": "m"}, "state": "Refused", "threshold": 0.5}, "lacks version"),
        ({"model": MODEL, "state": "COVID", "percentage": 101}, "percentage is 101"),
        ({"model": MODEL, "state": "COVID", "percentage": 90}, "probabilities is None"),
        ({"model": MODEL, "state": "Refused", "threshold": "x"}, "threshold is 'x'"),
        ({"model": MODEL, "state": "Refused", "threshold": 0.5, "warnings": ["w"]}, "must have a code"),
    ],
)
def test_an_answer_that_is_not_whole_is_said(answer: dict, said: str):
    with pytest.raises(ResultError, match=said):
        make_results(Dataset(), answer)
