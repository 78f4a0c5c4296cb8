"""The decoder: damaged, huge and hostile files, resizing, and which sentence a bad file gets."""

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

from cxr.imaging.decode import IMAGE_ERROR_CODES, decode, resize, to_pixels
from tests.fuzz.samples import (
    HUGE,
    dicom,
    dicoms,
    j2k,
    png_header,
    rasters,
    rle,
    saved,
    tiff_header,
)
from tests.imaging.decoded import COLOUR, GREY, difference, fault_of

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


@pytest.mark.parametrize("size", [(1, 60_000), (20_001, 1), (300, 20_001)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "DICOM"])
def test_a_picture_of_few_pixels_with_one_very_long_side_is_refused(kind, size):
    fault = fault_of(HUGE[kind](*size))
    assert fault.code == "too_many_pixels"
    assert "a side" in str(fault)


def jpeg_strips(scans: int, strips: int) -> bytes:
    """A TIFF of 2048 x 2048 pixels whose strips are all the same JPEG, with so many passes too many."""
    side, at = 2048, 8
    strip = saved(Image.new("L", (side, side // strips)), "JPEG", progressive=True)
    last_scan = strip[strip.rindex(b"\xff\xda") : -2]
    strip = strip[:-2] + last_scan * scans + strip[-2:]
    starts, lengths = at + len(strip), at + len(strip) + 4 * strips
    tags = [(256, 1, side), (257, 1, side), (258, 1, 8), (259, 1, 7), (262, 1, 1), (273, strips, starts), (277, 1, 1)]
    tags += [(278, 1, side // strips), (279, strips, lengths)]
    if strips == 1:
        tags = [(tag, 1, {273: at, 279: len(strip)}.get(tag, value)) for tag, _, value in tags]
    directory = struct.pack("<H", len(tags)) + b"".join(
        struct.pack("<HHLL", tag, 4, n, value) for tag, n, value in tags
    )
    lists = struct.pack("<L", at) * strips + struct.pack("<L", len(strip)) * strips
    end = at + len(strip) + len(lists)
    return b"II*\0" + struct.pack("<L", end) + strip + lists + directory + bytes(4)


def test_a_tiff_whose_strips_are_jpeg_is_held_to_the_same_passes():
    for strips in (1, 2, 16):
        assert decode(jpeg_strips(1, strips)).shape == (2048, 2048)
        fault = fault_of(jpeg_strips(400, strips))
        assert fault.code == "unsupported"
        assert "passes" in str(fault)


def test_a_tiff_whose_strips_share_their_bytes_too_often_is_corrupt():
    assert fault_of(jpeg_strips(1000, 128)).code in ("corrupt", "unsupported")


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
