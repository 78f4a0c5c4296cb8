"""The decoder: what each kind of file becomes."""

import numpy as np
import pytest
from PIL import Image

from cxr.imaging.decode import decode, to_pixels
from tests.fuzz.samples import (
    SIDE,
    rasters,
    saved,
    turned_by_exif,
)
from tests.imaging.decoded import COLOUR, GREY, LUMA, READ, difference, fault_of


@pytest.mark.parametrize("name", READ)
def test_every_kind_becomes_8_bit_grey_of_the_picture_s_size(name):
    picture = decode(READ[name])
    assert picture.dtype == np.uint8
    assert sorted(picture.shape) == [SIDE, SIDE + 8]
    assert picture.max() - picture.min() > 40


@pytest.mark.parametrize("name", READ)
def test_the_same_bytes_give_the_same_pixels(name):
    assert np.array_equal(to_pixels(READ[name], 33), to_pixels(bytes(bytearray(READ[name])), 33))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_a_lossless_grey_picture_comes_back_as_it_was(kind):
    assert np.array_equal(decode(saved(GREY, kind)), GREY)


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [("PNG", {}, 0), ("BMP", {}, 0), ("TIFF", {}, 0), ("WEBP", {"lossless": True}, 0), ("JPEG", {"quality": 98}, 4)],
)
def test_colour_becomes_luma(kind, options, tolerance):
    assert difference(decode(saved(COLOUR, kind, **options)), LUMA) <= tolerance


def test_cmyk_becomes_the_luma_of_its_colours():
    assert difference(decode(saved(COLOUR.convert("CMYK"), "JPEG", quality=98)), LUMA) <= 4


def test_one_bit_becomes_black_and_white():
    assert set(np.unique(decode(saved(COLOUR.convert("1"), "PNG")))) == {0, 255}


def test_a_palette_is_looked_up():
    paletted = Image.fromarray((GREY // 64).astype(np.uint8))
    paletted.putpalette([200, 200, 200, 10, 10, 10, 90, 90, 90, 0, 0, 0])
    assert np.array_equal(decode(saved(paletted, "PNG")), np.array([200, 10, 90, 0], np.uint8)[GREY // 64])


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparent_places_become_black_and_opaque_ones_stay(mode):
    picture = Image.new(mode, (4, 1), (200, 255) if mode == "LA" else (200, 200, 200, 255))
    picture.putalpha(Image.fromarray(np.array([[255, 255, 128, 0]], np.uint8)))
    assert np.array_equal(decode(saved(picture, "PNG")), [[200, 200, 100, 0]])


def test_a_transparent_palette_entry_becomes_black():
    paletted = Image.fromarray(np.array([[0, 1]], np.uint8))
    paletted.putpalette([200, 200, 200, 100, 100, 100])
    assert np.array_equal(decode(saved(paletted, "PNG", transparency=0)), [[0, 100]])


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_8_bits_saved_as_16_come_back_as_they_were(kind):
    assert np.array_equal(decode(saved(GREY.astype(np.uint16) * 257, kind)), GREY)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_a_detectors_depth_within_16_bits_fills_0_to_255(bits):
    top = (1 << bits) - 1
    picture = decode(saved(np.array([[0, top // 2, top]], np.uint16), "PNG"))
    assert picture.tolist() == [[0, 127, 255]]


def test_16_bits_keep_black_at_0_whatever_the_darkest_pixel_is():
    assert decode(saved(np.array([[2000, 4000]], np.uint16), "PNG")).tolist() == [[125, 249]]


def test_values_below_256_within_16_bits_are_8_bit_values():
    assert np.array_equal(decode(saved(GREY.astype(np.uint16), "PNG")), GREY)


def test_a_float_tiff_is_scaled_by_min_and_max_and_its_nan_is_black():
    values = np.array([[-1.5, 0.0, 1.5, np.nan, np.inf]], np.float32)
    assert decode(saved(values, "TIFF")).tolist() == [[0, 128, 255, 0, 0]]


def test_a_32_bit_tiff_is_scaled_by_min_and_max():
    assert decode(saved(np.array([[-70000, 0, 70000]], np.int32), "TIFF")).tolist() == [[0, 128, 255]]


def test_a_picture_of_one_value_is_read():
    assert decode(saved(np.full((3, 3), 1.5, np.float32), "TIFF")).max() == 0
    assert decode(saved(np.zeros((3, 3), np.uint16), "PNG")).max() == 0


@pytest.mark.parametrize("pixels", [GREY, GREY.astype(np.uint16) * 257])
def test_a_tiff_whose_0_is_white_is_turned_round(pixels):
    black_is_zero = saved(pixels, "TIFF")
    at = black_is_zero.index(bytes([0x06, 0x01, 3, 0, 1, 0, 0, 0]))  # the tag PhotometricInterpretation
    white_is_zero = black_is_zero[: at + 8] + b"\0" + black_is_zero[at + 9 :]
    assert np.array_equal(decode(white_is_zero), 255 - decode(black_is_zero))


def upright_by_exif(stored: np.ndarray, orientation: int) -> np.ndarray:
    """What EXIF 2.32, tag 274, says about where row 0 and column 0 of the stored picture belong."""
    rows_are_columns = orientation >= 5
    right, down = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}[orientation]
    picture = stored.T if rows_are_columns else stored
    return picture[:: -1 if down else 1, :: -1 if right else 1]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_exif_orientation_is_honoured(kind, orientation):
    options = {"lossless": True} if kind == "WEBP" else {"quality": 98} if kind == "JPEG" else {}
    data = saved(GREY, kind, exif=turned_by_exif(orientation), **options)
    expected = upright_by_exif(GREY, orientation)
    assert decode(data).shape == expected.shape
    assert difference(decode(data), expected) <= (4 if kind == "JPEG" else 0)


def test_an_exif_block_of_junk_leaves_the_picture_as_it_is():
    assert decode(saved(GREY, "JPEG", exif=b"Exif\0\0" + b"junk" * 9)).shape == GREY.shape


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_of_several_frames_the_first_is_read(kind):
    options = {"save_all": True, "append_images": [Image.fromarray(255 - GREY)]}
    options |= {"lossless": True} if kind == "WEBP" else {}
    assert np.array_equal(decode(saved(GREY, kind, **options)), GREY)


def test_0_bytes_are_empty():
    assert fault_of(b"").code == "empty"


@pytest.mark.parametrize(
    "data", [b"\0", b"hello", b"<html><body>no</body></html>", bytes(5000), b"RIFF\0\0\0\0WAVEfmt "]
)
def test_other_bytes_are_not_a_picture(data):
    assert fault_of(data).code == "not_a_picture"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("GIF", saved(COLOUR, "GIF")),
        ("JPEG 2000", saved(COLOUR, "JPEG2000")),
        ("PDF", saved(COLOUR, "PDF")),
        ("Fax", rasters()["tiff_group4"]),
    ],
)
def test_other_kinds_of_pictures_are_unsupported(name, data):
    fault = fault_of(data)
    assert fault.code == "unsupported"
    assert name in str(fault) or name == "Fax"


def test_colours_that_have_no_grey_are_unsupported():
    assert fault_of(saved(Image.new("LAB", (8, 8)), "TIFF")).code == "unsupported"
