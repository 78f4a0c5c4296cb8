"""DICOM: what its header means for the pixels."""

import io

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_voi_lut

from cxr.imaging.decode import decode
from tests.fuzz.samples import BIG_ENDIAN, EXPLICIT, IMPLICIT, dicom, dicoms, j2k, lut, rle, saved
from tests.imaging.dicom_made import COLOUR, DEEP, GREY, TO_THE_TOP, WINDOWED, difference


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
