"""DICOM headers as sloppy writers make them: the right picture is what dcmtk's dcm2pnm shows."""

import struct

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from cxr.imaging.decode import decode
from tests.fuzz.samples import IMPLICIT, dicom, lut, rle
from tests.imaging.dicom_made import DEEP, GREY, TO_THE_TOP, WINDOWED, difference, fault_of


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
