"""Grey levels: few bits in wide words, a few pixels far from all others, rare TIFFs, careless endings and metadata."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from cxr.common.errors import ImageError
from cxr.imaging.decode import decode
from cxr.imaging.exposure import BRIGHT, DARK, exposure_fault
from tests.fuzz.samples import ramp, saved
from tests.imaging.raw_files import chunk, planar_tiff, png, tiff

GREY = ramp(64)
TWELVE_BITS = GREY.astype(np.uint16) * 16
OPAQUE = np.full_like(TWELVE_BITS, 65535)
LIKE_GREY = np.rint(TWELVE_BITS / 4095 * 255).astype(np.uint8)
WIDE = {
    "RGB": np.dstack([TWELVE_BITS] * 3),
    "RGBA": np.dstack([TWELVE_BITS] * 3 + [OPAQUE]),
    "grey with alpha": np.dstack([TWELVE_BITS, OPAQUE]),
}


def code_of(data: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data)
    return caught.value.code


def test_uncompressed_colour_planes_of_16_bits_are_refused_and_never_mistaken_for_8():
    assert code_of(planar_tiff([TWELVE_BITS] * 3)) == "unsupported"


@pytest.mark.parametrize("kind", WIDE)
def test_12_bits_in_a_wide_png_fill_0_to_255(kind):
    assert np.array_equal(decode(png(WIDE[kind])), LIKE_GREY)


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", WIDE)
def test_12_bits_in_a_wide_tiff_fill_0_to_255(kind, order, deflate):
    data = tiff(WIDE[kind], order=order, alpha=kind != "RGB", deflate=deflate)
    assert np.array_equal(decode(data), LIKE_GREY)


def test_colour_of_16_bits_becomes_the_luma_of_all_of_them():
    red, green, blue = TWELVE_BITS * 16, TWELVE_BITS[::-1] * 16, OPAQUE // 3
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    picture = decode(png(np.dstack([red, green, blue])))
    assert np.abs(picture - luma / 65535 * 255).max() <= 0.51


def test_transparent_places_of_a_wide_picture_become_black():
    half = OPAQUE.copy()
    half[:, :20] = 0
    picture = decode(png(np.dstack([TWELVE_BITS, half])))
    assert not picture[:, :20].any()
    assert np.array_equal(picture[:, 20:], LIKE_GREY[:, 20:])


@pytest.mark.parametrize("level", [0, 1, 65535])
def test_the_same_alpha_everywhere_means_nothing(level):
    same = np.full_like(TWELVE_BITS, level)
    assert np.array_equal(decode(png(np.dstack([TWELVE_BITS, same]))), LIKE_GREY)
    eight = np.dstack([GREY, GREY, GREY, (same >> 8).astype(np.uint8)])
    assert np.array_equal(decode(png(eight)), GREY)


def test_a_grey_level_that_counts_as_transparent_is_kept():
    assert np.array_equal(decode(saved(GREY, "PNG", transparency=int(GREY.max()))), GREY)


def with_bright(pixels: np.ndarray, shape: tuple[int, int], value: float) -> np.ndarray:
    changed = pixels.copy()
    changed[: shape[0], : shape[1]] = value
    return changed


@pytest.mark.parametrize("shape", [(1, 1), (6, 12)], ids=["a hot pixel", "a label"])
def test_a_few_bright_pixels_do_not_set_the_scale(shape):
    picture = decode(png(with_bright(TWELVE_BITS, shape, 65535)))
    assert np.array_equal(picture, with_bright(LIKE_GREY, shape, 255))


def test_a_tenth_of_bright_pixels_sets_the_scale():
    picture = decode(png(with_bright(TWELVE_BITS, (64, 8), 65535)))
    assert picture[:, 8:].max() == np.rint(TWELVE_BITS.max() / 65535 * 255)


@pytest.mark.parametrize("value", [1e6, -1e6])
def test_a_number_far_from_all_others_does_not_set_the_scale_of_floats(value):
    pixels = TWELVE_BITS.astype(np.float32) / 4095
    expected = decode(tiff(pixels))
    picture = decode(tiff(with_bright(pixels, (1, 1), value)))
    assert picture[0, 0] == (255 if value > 0 else 0)
    assert np.array_equal(picture[1:], expected[1:])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["f8", "f4", "u4", "i4", "i2", "u2"])
def test_every_depth_of_tiff_in_both_byte_orders_is_read(kind, order):
    pixels = (TWELVE_BITS.astype(np.int64) - (2048 if kind[0] == "i" else 0)).astype(kind)
    assert np.abs(decode(tiff(pixels, order=order)).astype(int) - GREY).max() <= 4  # min-max stretches 252 to 255


def test_unsigned_32_bits_above_the_signed_range_are_bright():
    pixels = TWELVE_BITS.astype(np.uint32) * 1_000_000
    assert np.array_equal(decode(tiff(pixels)), decode(tiff(TWELVE_BITS.astype(np.uint32))))


def test_a_signed_8_bit_tiff_has_black_at_its_lowest_number():
    assert np.array_equal(decode(tiff((GREY.astype(int) - 128).astype(np.int8))), GREY)


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_big_tiff_is_read(order, deflate):
    data = tiff(GREY, order=order, big=True, deflate=deflate)
    assert np.array_equal(decode(data), GREY)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_largest_page_is_read_and_not_the_thumbnail(order, big):
    data = tiff(255 - GREY[::8, ::8], GREY, GREY[::2, ::2], order=order, big=big)
    assert np.array_equal(decode(data), GREY)


def test_a_damaged_big_tiff_is_corrupt():
    whole = tiff(GREY, order=">", big=True)
    for cut in (10, 15, 40, len(whole) // 2, len(whole) - 30):
        assert code_of(whole[:cut]) == "corrupt"
    assert code_of(whole[:8] + struct.pack(">Q", 1 << 62) + whole[16:]) == "corrupt"


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_end_mark_is_read(progressive):
    data = saved(GREY, "JPEG", progressive=progressive)
    assert data.endswith(b"\xff\xd9")
    assert np.array_equal(decode(data[:-2]), decode(data))


@pytest.mark.parametrize("lost", [30, 200])
def test_a_jpeg_without_its_last_pixels_is_corrupt(lost):
    noise = np.random.default_rng(3).integers(0, 256, (64, 72), np.uint8)
    assert code_of(saved(noise, "JPEG")[:-lost]) == "corrupt"


LONG_TEXT = b"<rdf:li>a step</rdf:li>\n" * 70_000
METADATA = {
    "zTXt": chunk(b"zTXt", b"XML\0\0" + zlib.compress(LONG_TEXT)),
    "iTXt": chunk(b"iTXt", b"XML\0\1\0\0\0" + zlib.compress(LONG_TEXT)),
    "plain iTXt": chunk(b"iTXt", b"XML\0\0\0\0\0" + LONG_TEXT),
    "tEXt": chunk(b"tEXt", b"Comment\0" + LONG_TEXT),
    "colour profile": chunk(b"iCCP", b"ICC\0\0" + zlib.compress(bytes(2_000_000))),
    "damaged text": chunk(b"tEXt", b"Comment\0hello")[:-1] + b"?",
}


@pytest.mark.parametrize("kind", METADATA)
def test_large_or_damaged_metadata_of_a_png_is_passed_over(kind):
    data = png(GREY, METADATA[kind])
    assert np.array_equal(decode(data), GREY)


def test_the_orientation_of_a_png_survives_beside_large_metadata():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(GREY, "PNG", exif=exif)
    at = data.index(b"IDAT") - 4
    assert np.array_equal(decode(data[:at] + METADATA["zTXt"] + data[at:]), decode(data))


@pytest.mark.parametrize("top", [20, DARK - 20])
def test_a_picture_that_is_almost_all_dark_has_an_exposure_fault(top):
    assert exposure_fault((GREY.astype(int) * top // 255).astype(np.uint8)) == "exposure"


def test_a_picture_that_is_almost_all_bright_has_an_exposure_fault():
    assert exposure_fault((BRIGHT + 1 + GREY // 8).astype(np.uint8)) == "exposure"


def test_a_picture_of_one_grey_is_blank_and_not_called_badly_exposed():
    assert [exposure_fault(np.full((9, 9), level, np.uint8)) for level in (0, 128, 255)] == ["blank"] * 3


def test_a_picture_of_dark_and_bright_halves_is_well_exposed():
    assert exposure_fault(np.repeat(np.array([[5, 250]], np.uint8), 40, 1).repeat(40, 0)) is None
    assert exposure_fault(GREY) is None
