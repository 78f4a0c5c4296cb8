"""The decoder: what each kind of file becomes, and which sentence a bad one gets."""

import os
import struct
import subprocess
import sys
import textwrap
import zlib

import numpy as np
import pytest
from PIL import Image
from pydicom import uid

from cxr.common.errors import ImageError
from cxr.imaging.decode import IMAGE_ERROR_CODES, decode, resize, to_pixels
from tests.fuzz.samples import (
    HUGE,
    SIDE,
    dicom,
    dicoms,
    every_sample,
    j2k,
    png_header,
    ramp,
    rasters,
    rle,
    saved,
    tiff_header,
    turned_by_exif,
)

GREY = ramp()
COLOUR = Image.merge("RGB", [Image.fromarray(part) for part in (GREY, 255 - GREY, GREY // 2)])
LUMA = np.asarray(COLOUR.convert("L"))
REFUSED = ("tiff_group4",)
READ = {name: data for name, data in every_sample().items() if name not in REFUSED}


def fault_of(data: bytes, **options) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode(data, **options)
    assert caught.value.code in IMAGE_ERROR_CODES
    return caught.value


def difference(first: np.ndarray, second: np.ndarray) -> int:
    return int(np.abs(first.astype(int) - second.astype(int)).max())


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
        ("AVIF", saved(COLOUR, "AVIF")),
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


NOISE = np.random.default_rng(0).integers(0, 256, (90, 80), np.uint8)
LONG = {
    "JPEG": saved(NOISE, "JPEG"),
    "progressive JPEG": saved(NOISE, "JPEG", progressive=True),
    "PNG": saved(NOISE, "PNG"),
    "16-bit PNG": saved(NOISE.astype(np.uint16) * 16, "PNG"),
    "WebP": saved(NOISE, "WEBP"),
    "lossless WebP": saved(NOISE, "WEBP", lossless=True),
    "BMP": saved(NOISE, "BMP"),
    "TIFF": saved(NOISE, "TIFF"),
    "LZW TIFF": saved(NOISE, "TIFF", compression="tiff_lzw"),
    "JPEG TIFF": saved(NOISE, "TIFF", compression="jpeg"),
    "DICOM": dicom(NOISE),
    "RLE DICOM": dicom(NOISE, uid.RLELossless, rle(NOISE)),
    "JPEG DICOM": dicom(NOISE, uid.JPEGBaseline8Bit, saved(NOISE, "JPEG")),
    "JPEG 2000 DICOM": dicom(NOISE, uid.JPEG2000Lossless, j2k(NOISE)),
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("tenths", range(1, 10))
def test_a_file_cut_off_at_any_tenth_is_an_error_and_never_half_a_picture(name, tenths):
    assert decode(LONG[name]).shape == NOISE.shape
    assert fault_of(LONG[name][: len(LONG[name]) * tenths // 10]).code in ("corrupt", "unsupported")


def test_damage_within_compressed_pixels_is_corrupt():
    data = bytearray(saved(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8), "PNG"))
    data[1000:1100] = bytes(100)
    assert fault_of(bytes(data)).code == "corrupt"


@pytest.mark.parametrize("kind", HUGE)
def test_one_pixel_more_than_the_limit_is_too_many(kind):
    assert fault_of(HUGE[kind](101, 100), max_pixels=10_099).code == "too_many_pixels"
    assert decode(saved(GREY, "PNG"), max_pixels=GREY.size).shape == GREY.shape


@pytest.mark.parametrize("kind", HUGE)
@pytest.mark.parametrize("size", [(25_000, 20_000), (12_000, 11_000), (65_535, 65_535), (65_500, 612)])
def test_a_huge_claim_is_refused(kind, size):
    assert fault_of(HUGE[kind](*size)).code == "too_many_pixels"


@pytest.mark.parametrize("data", [png_header(0, 10), tiff_header(0, 10)])
def test_no_pixels_at_all_are_corrupt(data):
    assert fault_of(data).code == "corrupt"


def test_500_megapixel_headers_take_less_than_100_mebibytes():
    program = """
        import resource
        from cxr.common.errors import ImageError
        from cxr.imaging.decode import decode
        from tests.fuzz.samples import HUGE, every_sample
        bombs = [make(25_000, 20_000) for make in HUGE.values()]
        for data in every_sample().values():  # so that every module is loaded
            try:
                decode(data)
            except ImageError:
                pass
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for bomb in bombs:
            try:
                decode(bomb)
            except ImageError as error:
                assert error.code == "too_many_pixels", error.code
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True, env=os.environ
    )
    assert int(done.stdout) < 100


def test_a_jpeg_of_hundreds_of_passes_is_refused():
    data = saved(Image.new("L", (2000, 2000)), "JPEG", progressive=True)
    last_scan = data[data.rindex(b"\xff\xda") : -2]
    fault = fault_of(data[:-2] + last_scan * 400 + data[-2:])
    assert fault.code == "unsupported"
    assert "passes" in str(fault)


def with_empty_strips(count: int) -> bytes:
    """A TIFF that lists so many strips of one row each, all at its beginning."""
    tags = [(256, 1), (257, count), (258, 8), (259, 1), (262, 1), (273, 200), (277, 1), (278, 1), (279, 200)]
    lengths = {273: count, 279: count}
    entries = b"".join(struct.pack("<HHLL", tag, 4, lengths.get(tag, 1), value) for tag, value in tags)
    directory = struct.pack("<H", len(tags)) + entries
    return (b"II*\0" + struct.pack("<L", 8) + directory).ljust(200, b"\0") + struct.pack("<L", 8) * count


JPEG, PNG = saved(GREY, "JPEG"), saved(GREY, "PNG")
EMPTY_CHUNK = b"\0\0\0\0abCd" + zlib.crc32(b"abCd").to_bytes(4, "big")
ENDLESS = {
    "JPEG of empty segments": JPEG[:2] + b"\xff\xe1\0\2" * 1_000_000 + JPEG[2:],
    "JPEG of fill bytes": JPEG[:2] + b"\xff" * 2_000_000 + JPEG[2:],
    "JPEG of stray bytes": JPEG[:3] + b"\0" * 2_000_000 + JPEG[3:],
    "PNG of empty chunks": PNG[:33] + EMPTY_CHUNK * 1_000_000 + PNG[33:],
    "TIFF of empty strips": with_empty_strips(1_000_000),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_file_of_millions_of_parts_is_corrupt(name):
    assert fault_of(ENDLESS[name]).code == "corrupt"


def test_a_png_in_thousands_of_small_chunks_is_read():
    packed = PNG[PNG.index(b"IDAT") + 4 : -16]
    chunks = b"".join(
        b"\0\0\0\1IDAT" + bytes([byte]) + zlib.crc32(b"IDAT" + bytes([byte])).to_bytes(4, "big") for byte in packed
    )
    assert np.array_equal(decode(PNG[: PNG.index(b"IDAT") - 4] + chunks + PNG[-12:]), GREY)


def test_resize_stretches_to_a_square_and_keeps_a_picture_of_that_size():
    square = resize(GREY, 20)
    assert square.shape == (20, 20)
    assert square.dtype == np.uint8
    assert np.array_equal(resize(square, 20), square)


def test_resize_averages_what_it_shrinks():
    stripes = np.tile(np.array([0, 255], np.uint8), (100, 50))
    assert difference(resize(stripes, 10)[:, 1:-1], np.full((10, 8), 127)) <= 14


def test_to_pixels_is_decode_and_resize():
    data = rasters()["jpeg_colour"]
    assert np.array_equal(to_pixels(data, 30), resize(decode(data), 30))


def test_every_error_says_what_to_do():
    faults = [fault_of(b""), fault_of(b"text"), fault_of(saved(COLOUR, "GIF")), fault_of(rasters()["png_16"][:90])]
    faults.append(fault_of(png_header(25_000, 20_000)))
    assert {fault.code for fault in faults} == set(IMAGE_ERROR_CODES)
    assert all("send" in str(fault) or "convert" in str(fault) for fault in faults)


def test_text_within_a_picture_reaches_no_log_and_no_error(caplog, capfd):
    secret = "Doe^Jane^Confidential"
    exif = Image.Exif()
    exif[0x010E] = secret  # ImageDescription
    whole = [saved(GREY, kind, exif=exif) for kind in ("JPEG", "PNG", "WEBP", "TIFF")]
    with caplog.at_level("DEBUG"):
        for data in whole:
            decode(data)
            fault = fault_of(data[: len(data) // 2] if data[:2] != b"II" else data[:12] + data[200:])
            assert secret not in str(fault)
    assert secret not in caplog.text
    assert secret not in "".join(capfd.readouterr())


def test_importing_the_decoder_does_not_import_pydicom():
    program = "import sys, cxr.imaging.decode; assert not any(name.startswith('pydicom') for name in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_tiff_with_a_dicom_mark_is_read_as_the_dicom():
    dual = dicoms()["dicom_8"]
    assert np.array_equal(decode(b"II*\0" + dual[4:]), decode(dual))


@pytest.mark.parametrize("data", [saved(GREY, "PNG"), saved(GREY.astype(np.uint16), "PNG"), dicom(GREY)])
def test_decode_gives_pixels_that_nobody_can_change_by_accident(data):
    with pytest.raises(ValueError, match="read-only"):
        decode(data)[0, 0] = 1
