"""What phones send: HEIC, AVIF, and JPEG of 48 million pixels.

The HEIC files in tests/imaging/heic were made once of `SCENE` with pillow-heif 1.4, which is no dependency: its x265 is
under the GPL.
"""

from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from cxr.common.errors import ImageError
from cxr.imaging import pillow_decoder
from cxr.imaging.decode import decode, resize
from tests.imaging.decoded import COLOUR, GREY, LUMA, difference, fault_of

HEIC = {path.stem: path.read_bytes() for path in Path(__file__).with_name("heic").glob("*.heic")}
ROWS, COLUMNS = np.mgrid[0:48, 0:64]
SCENE = np.minimum(40 + 3 * COLUMNS + ROWS // 8 * 4, 255).astype(np.uint8)
SCENE[:16, :16] = 250  # so that every turn shows
SCENE_LUMA = np.asarray(
    Image.merge("RGB", [Image.fromarray(part) for part in (SCENE, 255 - SCENE, SCENE // 2)]).convert("L")
)
needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF; install its own wheel")


def avif(picture: Image.Image, **options) -> bytes:
    file = BytesIO()
    picture.save(file, "AVIF", **({"quality": 95, "speed": 9, "subsampling": "4:4:4"} | options))
    return file.getvalue()


def claiming(data: bytes, width: int, height: int) -> bytes:
    """The file with another size in each of its `ispe` boxes; the coded pixels stay."""
    parts = data.split(b"ispe")
    sides = bytes(4) + width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return b"ispe".join([parts[0], *(sides + part[12:] for part in parts[1:])])


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return avif(Image.fromarray(GREY), exif=exif.tobytes())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("grey", SCENE),
        ("deep", SCENE),
        ("colour", SCENE_LUMA),
        ("turned", np.rot90(SCENE, -1)),
        ("alpha", np.where(COLUMNS < 32, SCENE_LUMA, 0)),
    ],
)
def test_a_heic_is_decoded_upright_as_its_grey_levels(name, expected):
    picture = decode(HEIC[name])
    assert picture.shape == expected.shape
    assert np.abs(picture.astype(int) - expected).mean() < 1.5


def test_grey_of_10_bits_is_cut_to_8():
    assert np.abs(decode(HEIC["deep_grey"]).astype(int) - SCENE).mean() < 1.5


@needs_avif
@pytest.mark.parametrize(("picture", "expected"), [(Image.fromarray(GREY), GREY), (COLOUR, LUMA)])
def test_an_avif_is_decoded_as_its_grey_levels(picture, expected):
    assert np.abs(decode(avif(picture)).astype(int) - expected).mean() < 2


@needs_avif
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_is_turned_upright_as_a_jpeg_is(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = BytesIO()
    Image.fromarray(GREY).save(file, "JPEG", quality=95, exif=exif)
    of_jpeg, of_avif = decode(file.getvalue()), decode(turned(orientation))
    assert of_avif.shape == of_jpeg.shape
    assert np.abs(of_avif.astype(int) - of_jpeg).mean() < 4


@needs_avif
@pytest.mark.parametrize("make", [lambda: HEIC["colour"], lambda: avif(COLOUR)])
def test_the_claimed_size_is_refused_before_pixels_exist(make):
    data = make()
    pixels = decode(data).size
    assert decode(data, max_pixels=pixels).size == pixels
    assert fault_of(data, max_pixels=pixels - 1).code == "too_many_pixels"
    assert fault_of(claiming(data, 16_000, 16_000)).code in ("too_many_pixels", "corrupt")


@needs_avif
def test_more_pixels_than_claimed_never_come_back():
    data = claiming(avif(Image.new("L", (4000, 3000)), quality=10), 40, 30)
    with suppress(ImageError):
        assert decode(data).shape == (30, 40)  # libavif scales it; the decoder process has memory for little more


@needs_avif
@pytest.mark.parametrize("make", [lambda: HEIC["colour"], lambda: avif(COLOUR)])
@pytest.mark.parametrize("tenths", range(1, 10))
def test_a_file_cut_off_at_any_tenth_is_an_error(make, tenths):
    data = make()
    assert fault_of(data[: len(data) * tenths // 10]).code in ("corrupt", "unsupported", "not_a_picture")


@pytest.mark.parametrize("brand", [b"isom", b"qt  ", b"crx "])
def test_a_video_and_a_raw_file_are_unsupported(brand):
    assert fault_of(b"\0\0\0\x14ftyp" + brand + bytes(4) + brand + b"mdat" * 9).code == "unsupported"


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_above_the_full_size_is_decoded_smaller_and_looks_the_same(orientation, progressive, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = BytesIO()
    rows, columns = np.mgrid[0:1200, 0:1600]
    scene = (128 + 60 * np.sin(rows / 40) + 50 * np.cos(columns / 60)).astype(np.uint8)
    Image.fromarray(scene).save(file, "JPEG", quality=90, exif=exif, progressive=progressive)
    full = decode(file.getvalue())
    monkeypatch.setattr(pillow_decoder, "FULL_JPEG_PIXELS", full.size - 1)
    half = decode(file.getvalue())
    assert half.shape == (full.shape[0] // 2, full.shape[1] // 2)
    assert difference(resize(half, 299), resize(full, 299)) <= 1


def test_a_jpeg_up_to_the_full_size_is_not_decoded_smaller():
    assert pillow_decoder._draft_size(6000, 5000) is None
    assert pillow_decoder._draft_size(8064, 6048) == (4032, 3024)
    assert pillow_decoder._draft_size(16_320, 12_240) == (4080, 3060)
