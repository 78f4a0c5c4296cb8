"""JPEG Lossless, JPEG-LS, JPEG of 12 bits and HTJ2K within DICOM: the same picture as without compression."""

import random

import numpy as np
import pytest
from pydicom import uid

from cxr.common.errors import ImageError
from cxr.imaging.codestream import read_codestream
from cxr.imaging.decode import decode
from tests.fuzz.mutations import mutated
from tests.fuzz.samples import dicom, native_dicoms, native_frames, ramp

pytest.importorskip("imagecodecs", reason="imagecodecs is not installed: it decodes and makes these files")

DEEP = ramp(96).astype(np.uint16) * 16
TWELVE = {"BitsStored": 12, "HighBit": 11, "WindowCenter": 2048, "WindowWidth": 4096}
PLAIN = dicom(DEEP, **TWELVE)
LOSSLESS = {
    uid.JPEGLossless: "jpeg_lossless",
    uid.JPEGLosslessSV1: "jpeg_lossless",
    uid.JPEGLSLossless: "jpeg_ls",
    uid.HTJ2KLossless: "htj2k",
    uid.HTJ2KLosslessRPCL: "htj2k",
    uid.HTJ2K: "htj2k",
}
LOSSY = {uid.JPEGExtended12Bit: "jpeg_deep", uid.JPEGLSNearLossless: "jpeg_ls_near"}


def code_of(data: bytes, **options) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data, **options)
    return caught.value.code


def packed(syntax: str, frame: bytes, pixels: np.ndarray = DEEP, **elements) -> bytes:
    return dicom(pixels, syntax, frame, **(TWELVE | elements))


@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda syntax: syntax.name)
def test_a_lossless_coding_gives_what_no_compression_gives(syntax):
    data = packed(syntax, native_frames(DEEP)[LOSSLESS[syntax]])
    assert np.array_equal(decode(data), decode(PLAIN))


@pytest.mark.parametrize("syntax", LOSSY, ids=lambda syntax: syntax.name)
def test_a_lossy_coding_gives_nearly_what_no_compression_gives(syntax):
    picture = decode(packed(syntax, native_frames(DEEP)[LOSSY[syntax]]))
    assert np.abs(picture.astype(int) - decode(PLAIN)).mean() < 1


@pytest.mark.parametrize("coding", sorted(set(LOSSLESS.values())))
def test_8_bits_and_16_bits_come_back_as_they_were(coding):
    syntax = next(syntax for syntax, name in LOSSLESS.items() if name == coding)
    for pixels, bits in ((ramp(), 8), (ramp().astype(np.uint16) * 257, 16)):
        frame = native_frames(pixels, bits)[coding]
        data = dicom(pixels, syntax, frame, WindowCenter=2 ** (bits - 1), WindowWidth=2**bits)
        assert np.array_equal(decode(data), ramp())


@pytest.mark.parametrize("coding", ["jpeg_lossless", "jpeg_ls", "htj2k"])
def test_compressed_pixels_without_a_transfer_syntax_are_known_by_their_beginning(coding):
    syntax = next(syntax for syntax, name in LOSSLESS.items() if name == coding)
    data = packed(syntax, native_frames(DEEP)[coding])
    bare = data[data.index(b"\x08\0\x16\0") :]
    assert np.array_equal(decode(bare), decode(PLAIN))


def test_a_frame_is_decoded_by_what_it_is_where_the_syntax_says_another_jpeg():
    data = packed(uid.JPEGLosslessSV1, native_frames(DEEP)["jpeg_ls"])
    assert np.array_equal(decode(data), decode(PLAIN))


def test_signed_values_survive_a_lossless_coding():
    signed = DEEP.astype(np.int16) - 2048
    window = {"WindowCenter": 0, "WindowWidth": 4096}
    frame = native_frames(signed.view(np.uint16), 16)["jpeg_lossless"]
    data = dicom(signed, uid.JPEGLosslessSV1, frame, **window)
    assert np.array_equal(decode(data), decode(dicom(signed, **window)))


def test_colour_becomes_luma():
    grey = ramp()
    colour = np.dstack([grey, 255 - grey, grey // 2])
    for syntax, coding in ((uid.JPEGLSLossless, "jpeg_ls"), (uid.HTJ2KLossless, "htj2k")):
        data = dicom(colour, syntax, native_frames(colour, 8)[coding])
        assert np.array_equal(decode(data), decode(dicom(colour)))


def test_a_missing_end_mark_is_no_fault_and_missing_pixels_are():
    for syntax, coding in ((uid.JPEGLSLossless, "jpeg_ls"), (uid.JPEGLosslessSV1, "jpeg_lossless")):
        frame = native_frames(DEEP)[coding]
        assert np.array_equal(decode(packed(syntax, frame[:-2])), decode(PLAIN))
    assert code_of(packed(uid.JPEGLosslessSV1, frame[: len(frame) // 2])) == "corrupt"


@pytest.mark.parametrize("coding", ["jpeg_ls", "htj2k"])
def test_half_a_frame_is_corrupt(coding):
    syntax = next(syntax for syntax, name in LOSSLESS.items() if name == coding)
    frame = native_frames(DEEP)[coding]
    assert code_of(packed(syntax, frame[: len(frame) // 2])) == "corrupt"


@pytest.mark.parametrize("coding", ["jpeg_lossless", "jpeg_ls", "jpeg_deep", "htj2k"])
def test_a_frame_of_another_size_than_the_header_says_is_never_decoded(coding):
    frame = native_frames(DEEP)[coding]
    stream = read_codestream(frame)
    assert (stream.width, stream.height, stream.samples) == (DEEP.shape[1], DEEP.shape[0], 1)
    assert code_of(packed(uid.JPEGLosslessSV1, frame, Rows=8, Columns=8)) == "corrupt"
    assert code_of(packed(uid.JPEGLosslessSV1, frame), max_pixels=100) == "too_many_pixels"


def test_mutated_frames_are_decoded_or_refused():
    samples = list(native_dicoms().values())
    outcomes = set()
    for number in range(150):
        data = mutated(random.Random(number), samples)
        try:
            outcomes.add(decode(data).dtype.name)
        except ImageError as error:
            outcomes.add(error.code)
    assert {"uint8", "corrupt"} <= outcomes <= {"uint8", "corrupt", "unsupported", "too_many_pixels", "not_a_picture"}
