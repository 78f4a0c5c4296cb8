"""DICOM: what its header means for the pixels, what is refused, and that a patient's data goes nowhere."""

import io
import logging
import struct
import tracemalloc
import warnings
import zlib

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_voi_lut
from pydicom.sequence import Sequence

from cxr.common.errors import ImageError
from cxr.imaging.decode import decode
from tests.fuzz.samples import BIG_ENDIAN, EXPLICIT, IMPLICIT, PATIENT_NAME, dicom, dicoms, j2k, lut, ramp, rle, saved

GREY = ramp()
DEEP = GREY.astype(np.uint16) * 16  # 12 bits
COLOUR = np.dstack([GREY, 255 - GREY, GREY // 2])
WINDOWED = {"WindowCenter": 2000, "WindowWidth": 3000}
TO_THE_TOP = {"WindowCenter": 2048, "WindowWidth": 4096}


def fault_of(data: bytes, **options) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode(data, **options)
    return caught.value


def difference(first: np.ndarray, second: np.ndarray) -> int:
    return int(np.abs(first.astype(int) - second.astype(int)).max())


def by_linear_window(values: np.ndarray, center: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1, written out."""
    share = (values - (center - 0.5)) / (width - 1) + 0.5
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_the_window_is_applied_in_every_byte_order_and_depth(syntax, bits):
    data = dicom(DEEP, syntax, BitsStored=bits, HighBit=bits - 1, **WINDOWED)
    stored = DEEP & ((1 << bits) - 1)
    assert np.array_equal(decode(data), by_linear_window(stored, 2000, 3000))


def test_monochrome1_is_the_inverse_of_monochrome2():
    for elements in ({}, WINDOWED, {"VOILUTSequence": lut([0, 50, 255], 1000, 8)}):
        bright = decode(dicom(DEEP, **elements))
        dark = decode(dicom(DEEP, PhotometricInterpretation="MONOCHROME1", **elements))
        assert difference(dark, 255 - bright) <= 1  # halves are rounded to the even number


def test_rescale_slope_and_intercept_come_before_the_window():
    rescaled = dicom(DEEP, RescaleSlope=0.5, RescaleIntercept=-100, WindowCenter=500, WindowWidth=900)
    assert np.array_equal(decode(rescaled), by_linear_window(DEEP * 0.5 - 100, 500, 900))


def test_a_negative_slope_turns_black_and_white_round():
    assert np.array_equal(decode(dicom(DEEP, RescaleSlope=-1, RescaleIntercept=0)), 255 - decode(dicom(DEEP)))


def test_signed_values_are_signed():
    signed = DEEP.astype(np.int16) - 2000
    assert np.array_equal(decode(dicom(signed, WindowCenter=0, WindowWidth=4096)), by_linear_window(signed, 0, 4096))


def test_of_several_windows_the_first_is_used():
    two = dicom(DEEP, WindowCenter=[2000, 5], WindowWidth=[3000, 9])
    assert np.array_equal(decode(two), decode(dicom(DEEP, **WINDOWED)))


def test_a_linear_exact_window_has_no_half_pixel_shift():
    exact = decode(dicom(DEEP, VOILUTFunction="LINEAR_EXACT", **TO_THE_TOP))
    assert np.array_equal(exact, np.rint(DEEP / 4096 * 255).astype(np.uint8))


def test_a_sigmoid_window_follows_its_formula():
    curve = 255 / (1 + np.exp(-4 * (DEEP - 2000.0) / 900))
    data = dicom(DEEP, VOILUTFunction="SIGMOID", WindowCenter=2000, WindowWidth=900)
    assert np.array_equal(decode(data), np.rint(curve).astype(np.uint8))


def test_a_window_of_width_1_is_a_threshold():
    assert np.array_equal(decode(dicom(DEEP, WindowCenter=2000.5, WindowWidth=1)), np.where(DEEP > 2000, 255, 0))


@pytest.mark.parametrize("width", [0, -5, 0.5])
def test_a_width_that_makes_no_window_counts_as_none(width):
    assert np.array_equal(decode(dicom(DEEP, WindowCenter=9, WindowWidth=width)), decode(dicom(DEEP)))


def test_without_a_window_the_values_that_occur_are_stretched():
    picture = decode(dicom(DEEP + np.uint16(500)))
    assert (picture.min(), picture.max()) == (0, 255)
    assert np.array_equal(picture, np.rint(DEEP / DEEP.max() * 255).astype(np.uint8))


def test_8_bits_without_a_window_are_what_a_png_of_them_gives():
    assert np.array_equal(decode(dicom(GREY // 2)), decode(saved(GREY // 2, "PNG")))


def test_the_voi_lut_is_preferred_and_extends_beyond_its_ends():
    table = dicom(np.array([[0, 10, 11, 12, 99]], np.uint8), VOILUTSequence=lut([0, 100, 255], 10, 8), **WINDOWED)
    assert decode(table).tolist() == [[0, 0, 100, 255, 255]]


def test_a_voi_lut_of_12_bits_is_scaled_from_12_bits():
    assert decode(dicom(np.array([[0, 1]], np.uint8), VOILUTSequence=lut([2048, 4095], 0, 12))).tolist() == [[128, 255]]


def test_a_modality_lut_replaces_rescaling():
    table = lut([7, 1000, 500], 0, 16)
    picture = np.array([[0, 1, 2]], np.uint8)
    assert decode(dicom(picture, ModalityLUTSequence=table)).tolist() == [[0, 255, 127]]


def test_luts_agree_with_pydicoms():
    entries = np.linspace(0, 4095, 3000).astype(int).tolist()
    data = dicom(DEEP, BitsStored=12, HighBit=11, VOILUTSequence=lut(entries, 300, 12))
    expected = apply_voi_lut(DEEP, pydicom.dcmread(io.BytesIO(data))) / 4095 * 255
    assert np.array_equal(decode(data), np.rint(expected).astype(np.uint8))


@pytest.mark.parametrize("space", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_does_not_count_as_a_value(space):
    padded = DEEP + np.uint16(1000)
    padded[:, :5] = 0
    plain = decode(dicom(padded[:, 5:], PhotometricInterpretation=space))
    picture = decode(dicom(padded, PhotometricInterpretation=space, PixelPaddingValue=0))
    assert picture[:, :5].max() == 0
    assert np.array_equal(picture[:, 5:], plain)


def test_a_range_of_padding_is_black():
    data = dicom(np.array([[10, 20, 30, 40]], np.uint8), PixelPaddingValue=30, PixelPaddingRangeLimit=40)
    assert decode(data).tolist() == [[10, 20, 0, 0]]


def test_overlay_bits_outside_the_stored_ones_are_cut():
    assert np.array_equal(
        decode(dicom(DEEP | np.uint16(0xF000), BitsStored=12, HighBit=11)),
        decode(dicom(DEEP, BitsStored=12, HighBit=11)),
    )


def test_a_high_bit_at_the_top_is_shifted_down():
    left = dicom(DEEP << 4, BitsStored=12, HighBit=15, **TO_THE_TOP)
    assert np.array_equal(decode(left), decode(dicom(DEEP, BitsStored=12, HighBit=11, **TO_THE_TOP)))


def test_of_several_frames_the_first_is_read():
    frames = dicom(GREY, frame=GREY.tobytes() + (255 - GREY).tobytes(), NumberOfFrames=2)
    assert np.array_equal(decode(frames), GREY)


@pytest.mark.parametrize("offset_table", [True, False])
def test_of_several_compressed_frames_the_first_is_read(offset_table):
    parts = encapsulate([rle(GREY), rle(255 - GREY)], has_bot=offset_table)
    one = dicom(GREY, uid.RLELossless, rle(GREY), NumberOfFrames=2)
    data = one.replace(encapsulate([rle(GREY)]), parts)
    assert len(data) > len(one)
    assert np.array_equal(decode(data), GREY)


def test_a_frame_in_several_fragments_is_joined():
    whole = encapsulate([saved(GREY, "JPEG")])
    parts = encapsulate([saved(GREY, "JPEG")], fragments_per_frame=3)
    data = dicom(GREY, uid.JPEGBaseline8Bit, saved(GREY, "JPEG")).replace(whole, parts)
    assert np.array_equal(decode(data), decode(saved(GREY, "JPEG")))


@pytest.mark.parametrize("pixels", [GREY, DEEP])
def test_lossless_compressions_give_what_no_compression_gives(pixels):
    plain = decode(dicom(pixels))
    assert np.array_equal(decode(dicom(pixels, uid.RLELossless, rle(pixels))), plain)
    assert np.array_equal(decode(dicom(pixels, uid.JPEG2000Lossless, j2k(pixels))), plain)


def test_jpeg_within_dicom_gives_what_the_jpeg_gives():
    assert np.array_equal(decode(dicoms()["dicom_jpeg"]), decode(saved(GREY, "JPEG")))


def test_colour_becomes_luma_however_it_is_laid_out():
    luma = decode(saved(COLOUR, "PNG"))
    assert np.array_equal(decode(dicom(COLOUR)), luma)
    assert np.array_equal(decode(dicoms()["dicom_planar"]), luma)
    assert np.array_equal(decode(dicoms()["dicom_j2k_colour"]), luma)


def test_ybr_gives_its_y():
    assert np.array_equal(decode(dicom(COLOUR, PhotometricInterpretation="YBR_FULL")), GREY)
    pairs = np.dstack([GREY[:, ::2], GREY[:, 1::2], GREY[:, ::2], GREY[:, ::2]])
    data = dicom(COLOUR, frame=pairs.tobytes(), PhotometricInterpretation="YBR_FULL_422")
    assert np.array_equal(decode(data), GREY)


# Files that other programs wrote and pydicom ships: name, mean of the grey picture as pydicom's own tools give it.
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


# --- headers as sloppy writers make them: the right picture is what dcmtk's dcm2pnm shows ------------------------


def test_an_inverse_presentation_lut_turns_black_and_white_round_once():
    upright = decode(dicom(DEEP, **TO_THE_TOP))
    for space in ("MONOCHROME1", "MONOCHROME2"):
        turned = dicom(DEEP, PhotometricInterpretation=space, PresentationLUTShape="INVERSE", **TO_THE_TOP)
        assert difference(decode(turned), 255 - upright) <= 1
    assert np.array_equal(decode(dicom(DEEP, PresentationLUTShape="IDENTITY", **TO_THE_TOP)), upright)


@pytest.mark.parametrize(
    "elements",
    [
        {"RescaleSlope": 0, "RescaleIntercept": 0},
        {"RescaleSlope": None, "RescaleIntercept": None},
        {"PhotometricInterpretation": " MONOCHROME2"},
        {"SamplesPerPixel": None},
        {"HighBit": None},
        {"BitsStored": None},
        {"PixelRepresentation": None},
        {"NumberOfFrames": 0},
    ],
)
def test_a_sloppy_header_gives_the_picture_that_viewers_show(elements):
    present = {name: value for name, value in elements.items() if value is not None or name in dicom_elements()}
    assert np.array_equal(decode(dicom(DEEP, **TO_THE_TOP, **present)), decode(dicom(DEEP, **TO_THE_TOP)))


def dicom_elements() -> set[str]:
    return {"SamplesPerPixel", "HighBit", "BitsStored", "PixelRepresentation"}


def test_a_window_that_is_no_number_counts_as_none():
    data = dicom(DEEP, IMPLICIT, WindowCenter=11111, WindowWidth=22222)
    for text in (b"auto ", b"NaN  ", b"inf  "):
        assert np.array_equal(decode(data.replace(b"22222", text)), decode(dicom(DEEP)))


def test_pixels_a_value_short_are_filled_up_and_a_row_short_are_damage():
    whole = decode(dicom(DEEP, **TO_THE_TOP))
    short = decode(dicom(DEEP, frame=DEEP.tobytes()[:-2], **TO_THE_TOP))
    assert np.array_equal(short.reshape(-1)[:-1], whole.reshape(-1)[:-1])
    assert fault_of(dicom(DEEP, frame=DEEP[:-1].tobytes())).code == "corrupt"


def test_padding_that_is_at_no_corner_is_a_grey_level():
    bright = np.minimum(DEEP, 2000)
    plain = dicom(bright, WindowCenter=1000, WindowWidth=2000)
    bright[-1, -1] = bright[0, -1] = bright[-1, 0] = 0
    named = dicom(bright, WindowCenter=1000, WindowWidth=2000, PixelPaddingValue=2000)
    assert np.abs(decode(named).astype(int) - decode(plain)).mean() < 1


def test_one_hot_pixel_without_a_window_does_not_set_the_scale():
    hot = DEEP.copy()
    hot[0, 10] = 65535
    assert np.array_equal(decode(dicom(hot))[1:], decode(dicom(DEEP))[1:])


def test_a_look_up_table_that_promises_more_bits_than_it_has_does_not_set_the_scale():
    curve = [int(4095 * (number / 4095) ** 1.6) for number in range(4096)]
    promised, honest = (decode(dicom(DEEP, VOILUTSequence=lut(curve, 0, bits))) for bits in (16, 12))
    assert np.array_equal(promised, honest)


def test_colour_of_16_bits_is_scaled_by_what_it_uses():
    assert difference(decode(dicom(np.dstack([DEEP] * 3))), np.rint(DEEP / 4095 * 255)) == 0


def test_a_palette_of_greys_gives_its_greys():
    elements = {}
    for colour in ("Red", "Green", "Blue"):
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        elements[f"{colour}PaletteColorLookupTableData"] = (np.arange(256) * 257)[::-1].astype("<u2").tobytes()
    data = dicom(GREY, PhotometricInterpretation="PALETTE COLOR", **elements)
    assert np.array_equal(decode(data), 255 - GREY)


def with_groups(**macros: dict[str, object]) -> Sequence:
    item = Dataset()
    for macro, elements in macros.items():
        inner = Dataset()
        for name, value in elements.items():
            setattr(inner, name, value)
        setattr(item, macro, Sequence([inner]))
    return Sequence([item])


def test_functional_groups_of_an_enhanced_object_are_applied():
    shared = with_groups(PixelValueTransformationSequence={"RescaleSlope": 2, "RescaleIntercept": -5})
    frame = with_groups(FrameVOILUTSequence={"WindowCenter": 2000, "WindowWidth": 3000})
    enhanced = dicom(DEEP, SharedFunctionalGroupsSequence=shared, PerFrameFunctionalGroupsSequence=frame)
    plain = dicom(DEEP, RescaleSlope=2, RescaleIntercept=-5, **WINDOWED)
    assert np.array_equal(decode(enhanced), decode(plain))


def test_an_embedded_thumbnail_is_not_the_picture():
    small = Dataset()
    small.Rows, small.Columns, small.BitsAllocated, small.PixelData = 4, 4, 8, bytes(16)
    small["PixelData"].VR = "OB"
    assert np.array_equal(decode(dicom(GREY, IconImageSequence=Sequence([small]))), GREY)


def test_compressed_pixels_without_the_end_of_their_sequence_are_read():
    data = dicom(GREY, uid.RLELossless, rle(GREY))
    assert data.endswith(b"\xfe\xff\xdd\xe0\0\0\0\0")
    assert np.array_equal(decode(data[:-8]), GREY)
    assert fault_of(data[:-60]).code == "corrupt"


def test_a_hundred_thousand_private_elements_are_stepped_over():
    data = dicom(GREY)
    at = data.index(struct.pack("<HH", 0x0010, 0x0010))
    tiny = struct.pack("<HH2sH", 0x0009, 0x1010, b"SH", 2) + b"x "
    assert np.array_equal(decode(data[:at] + tiny * 100_000 + data[at:]), GREY)
