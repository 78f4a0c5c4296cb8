"""DICOM: which files are read and refused, and that a patient's data goes nowhere."""

import logging
import struct
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest
from pydicom import uid
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from cxr.common.errors import ImageError
from cxr.imaging.decode import decode
from tests.fuzz.samples import BIG_ENDIAN, EXPLICIT, IMPLICIT, PATIENT_NAME, dicom, j2k, lut, rle, saved
from tests.imaging.dicom_made import COLOUR, DEEP, GREY, WINDOWED, fault_of

OTHERS = {
    "CT_small.dcm": 96.0,
    "MR_small_RLE.dcm": 113.1,
    "MR_small_bigendian.dcm": 113.1,
    "MR_small_jp2klossless.dcm": 113.1,
    "693_J2KI.dcm": 44.3,
    "J2K_pixelrep_mismatch.dcm": 63.2,
    "SC_rgb_jpeg_dcmtk.dcm": 127.7,
    "SC_rgb_dcmtk_+eb+cr.dcm": 127.7,
    "SC_ybr_full_422_uncompressed.dcm": 127.7,
    "examples_overlay.dcm": 48.1,
    "examples_jpeg2k.dcm": 35.6,
}


@pytest.mark.parametrize("name", OTHERS)
def test_files_of_other_writers_are_read(name):
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip("this pydicom does not ship it")
    with open(path, "rb") as file:
        assert decode(file.read()).mean() == pytest.approx(OTHERS[name], abs=0.1)


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        (uid.HEVCMP51, "HEVC/H.265"),
        (uid.MPEG4HP41, "MPEG-4"),
        (uid.SMPTEST211020UncompressedProgressiveActiveVideo, "SMPTE ST 2110-20"),
        (uid.JPIPHTJ2KReferenced, "JPIP HTJ2K Referenced"),
        (uid.MPEG2MPML, "MPEG2"),
    ],
)
def test_other_transfer_syntaxes_are_unsupported_by_name(syntax, name):
    data = dicom(GREY, uid.RLELossless, rle(GREY)).replace(*_padded(uid.RLELossless, syntax))
    fault = fault_of(data)
    assert fault.code == "unsupported"
    assert name in str(fault)
    assert "export" in str(fault)


def _padded(first: str, second: str) -> tuple[bytes, bytes]:
    """Both as UI elements: the length, then the value, made even with a null byte."""
    return tuple(struct.pack("<H", len(even)) + even for even in (_even(first), _even(second)))  # type: ignore[return-value]


def _even(value: str) -> bytes:
    return value.encode() + b"\0" * (len(value) % 2)


def test_an_unknown_transfer_syntax_is_not_quoted():
    data = dicom(GREY, uid.RLELossless, rle(GREY)).replace(*_padded(uid.RLELossless, "1.2.3.4711.0815"))
    assert fault_of(data).code == "unsupported"
    assert "4711" not in str(fault_of(data))


@pytest.mark.parametrize(
    "data",
    [
        dicom(GREY, PhotometricInterpretation="HSV"),
        dicom(GREY.astype(np.uint32)),
        dicom(COLOUR.astype(np.uint16), PhotometricInterpretation="YBR_FULL"),
        dicom(COLOUR, PhotometricInterpretation="YBR_PARTIAL_422"),
        dicom(COLOUR.astype(np.uint16), uid.JPEGBaseline8Bit, saved(COLOUR, "JPEG")),
    ],
)
def test_kinds_of_pixels_that_are_not_read_are_unsupported(data):
    assert fault_of(data).code == "unsupported"


def test_a_report_without_a_picture_is_unsupported():
    path = get_testdata_file("test-SR.dcm", download=False)
    with open(path, "rb") as file:
        assert fault_of(file.read()).code == "unsupported"


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
def test_a_file_without_the_mark_at_128_is_known_by_its_first_elements(syntax):
    data = dicom(DEEP, syntax, **WINDOWED)
    without_meta = data[data.index(b"\0\x08\0\x16" if syntax == BIG_ENDIAN else b"\x08\0\x16\0") :]
    for bare in (data[132:], without_meta):
        assert np.array_equal(decode(bare), decode(data))


def test_bytes_that_only_begin_like_a_data_set_are_no_picture():
    for data in (b"\x08\0\x16\0UI\4\0" + b"1.2\0", b"\x08\0\x16\0" * 50, dicom(GREY)[131:]):
        assert fault_of(data).code == "not_a_picture"


@pytest.mark.parametrize(
    "elements",
    [
        {"BitsStored": 17},
        {"BitsStored": 12, "HighBit": 16},
        {"Rows": 0},
        {"BitsAllocated": None},
        {"Rows": 49},
        {"RescaleSlope": "1e308", "RescaleIntercept": "1e308"},
        {"VOILUTSequence": lut([], 0, 8)},
        {"VOILUTSequence": lut([1, 2], 0, 64)},
        {"WindowCenter": [1] * 200_000, "WindowWidth": [1] * 200_000},
    ],
)
def test_a_header_that_can_not_be_true_is_corrupt(elements):
    assert fault_of(dicom(DEEP, IMPLICIT, **elements)).code == "corrupt"


def test_a_compressed_frame_of_another_size_than_the_header_says_is_corrupt():
    for syntax, frame in ((uid.JPEGBaseline8Bit, saved(GREY, "JPEG")), (uid.JPEG2000Lossless, j2k(GREY))):
        assert fault_of(dicom(GREY[:8, :8], syntax, frame)).code == "corrupt"


def test_run_lengths_that_grow_beyond_the_picture_stay_small():
    bomb = struct.pack("<16L", 1, 64, *[0] * 14) + b"\x81\x00" * 2_000_000  # would be 256 megabytes
    assert decode(dicom(GREY, uid.RLELossless, bomb)).max() == 0


def nested(depth: int) -> bytes:
    """A file whose private sequence holds a sequence, and so on, all of undefined length."""
    data = dicom(GREY)
    opening = struct.pack("<HH2sHL", 0x0009, 0x1010, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<LL", 0xE000FFFE, 0xFFFFFFFF)
    at = data.index(struct.pack("<HH", 0x0010, 0x0010))
    return data[:at] + opening * depth + data[at:]


def test_sequences_within_sequences_without_end_are_corrupt():
    assert fault_of(nested(50_000)).code == "corrupt"


def test_millions_of_elements_are_corrupt():
    data = dicom(GREY)
    at = data.index(struct.pack("<HH", 0x0010, 0x0010))
    tiny = struct.pack("<HH2sH", 0x0009, 0x1010, b"SH", 0)
    assert fault_of(data[:at] + tiny * 1_000_000 + data[at:]).code == "corrupt"


def test_millions_of_fragments_are_corrupt():
    whole = encapsulate([rle(GREY)])
    empty = struct.pack("<LL", 0xE000FFFE, 0)
    data = dicom(GREY, uid.RLELossless, rle(GREY)).replace(whole, empty * 1_000_000)
    assert fault_of(data).code == "corrupt"


def hidden_deflated_bomb(size: int) -> bytes:
    """A meta group that says "uncompressed"; read with implicit VR, as pydicom tries next, it says "deflated"."""
    plain, deflated = _even(EXPLICIT), _even(uid.DeflatedExplicitVRLittleEndian)
    first = struct.pack("<HH2sHL", 2, 0, b"QL", 4, 0)
    first += (
        struct.pack("<HH2sH", 2, 0x10, b"UI", len(plain)) + plain + struct.pack("<HH2sH", 8, 0x60, b"CS", 2) + b"DX"
    )
    second = struct.pack("<HHL", 2, 0x10, len(deflated)) + deflated
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    length_by_implicit_vr = struct.unpack_from("<L", first, 4)[0]
    group = first.ljust(8 + length_by_implicit_vr, b"\0") + second
    return bytes(128) + b"DICM" + group + packer.compress(bytes(size)) + packer.flush()


def deflated(data: bytes) -> bytes:
    """A file of explicit VR with its data set deflated."""
    start = data.index(b"\x08\0\x16\0")
    meta = data[:start].replace(*_padded(EXPLICIT, uid.DeflatedExplicitVRLittleEndian))
    grown = len(meta) - start
    length = struct.unpack_from("<L", meta, 140)[0] + grown
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return meta[:140] + struct.pack("<L", length) + meta[144:] + packer.compress(data[start:]) + packer.flush()


def test_a_deflated_file_is_what_it_unpacks_to():
    data = dicom(DEEP, **WINDOWED)
    assert np.array_equal(decode(deflated(data)), decode(data))
    assert fault_of(deflated(data)[:-40]).code == "corrupt"


def test_a_deflated_bomb_is_inflated_no_further_than_a_picture_is_large():
    packed = deflated(dicom(GREY, frame=bytes(200_000_000)))
    tracemalloc.start()
    try:
        assert fault_of(packed, max_pixels=100_000).code == "too_many_pixels"
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


def test_a_deflated_file_behind_two_meanings_is_never_inflated():
    bomb = hidden_deflated_bomb(100_000_000)
    tracemalloc.start()
    try:
        assert fault_of(bomb).code == "corrupt"
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_patient_data_reaches_no_log_no_warning_and_no_error(caplog, capfd):
    item = Dataset()
    item.PatientName = PATIENT_NAME
    files = [
        dicom(GREY, ReferencedPatientSequence=Sequence([item]), SpecificCharacterSet="ISO_IR 100"),
        dicom(GREY, SpecificCharacterSet="ISO_IR 100").replace(b"ISO_IR 100", b"Doe^Jane^X"),
        dicom(GREY, IMPLICIT, WindowCenter=11111, WindowWidth=22222).replace(b"22222", b"Doe^J"),
        dicom(GREY, NumberOfFrames=11111).replace(b"11111", b"Doe^J"),
        dicom(GREY)[:-100],
        dicom(GREY, PhotometricInterpretation="Doe^Jane"),
    ]
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        texts = [str(error) for data in files for error in [_error(data)] if error]
    heard = "".join([caplog.text, *capfd.readouterr(), *texts, *(str(warning.message) for warning in warned)])
    assert len(texts) >= 3
    assert "Doe" not in heard


def _error(data: bytes) -> ImageError | None:
    try:
        decode(data)
    except ImageError as error:
        return error
    return None


def test_the_size_is_judged_by_the_header_alone():
    data = dicom(GREY)
    without_pixels = data[: len(data) - GREY.size]
    assert fault_of(without_pixels, max_pixels=GREY.size - 1).code == "too_many_pixels"
    assert fault_of(without_pixels).code == "corrupt"
