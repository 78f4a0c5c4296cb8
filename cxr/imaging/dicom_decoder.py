"""DICOM to 8-bit grey: the values that its header means, seen through the window that it asks for.

| DICOM | what is done with it |
|---|---|
| MONOCHROME2, MONOCHROME1 | 8 to 16 bits; MONOCHROME1 comes out inverted, so that bone is always bright |
| modality LUT, or rescale slope and intercept | applied |
| VOI LUT, else the first window (linear, linear exact, sigmoid) | applied; black is 0, white is 255 |
| neither | 8 bits as they are; else min-max of the values that occur, padding left out |
| pixel padding value and range | black |
| RGB, YBR_FULL, YBR_FULL_422, and JPEG 2000's YBR_RCT and YBR_ICT, of 8 bits | brightness |
| several frames | the first |
| no compression, RLE, JPEG Baseline, JPEG Extended of 8 bits, JPEG 2000 | read |
| any other transfer syntax, deflated ones included (they unpack to any size) | "unsupported", with its name |
| no "DICM" mark at byte 128 | not taken for DICOM: too many other things could be |
| palette colour, more than 16 bits, overlays, presentation states | the first two "unsupported", the others ignored |

Only the elements in NEEDED are kept: a patient's name is stepped over, never parsed, kept or logged.
"""

import struct

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.filereader import dcmread, read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID_dictionary

from cxr.common.errors import ImageError
from cxr.imaging.dicom_frame import SYNTAXES, Layout, first_frame
from cxr.imaging.dicom_voi import grey_from_stored
from cxr.imaging.limits import MeteredBytes, check_pixel_count

MARK_END = 132  # 128 free bytes, then "DICM"
PIXEL_DATA = Tag("PixelData")
NEEDED = [
    Tag(keyword)
    for keyword in (
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "PlanarConfiguration",
        "NumberOfFrames",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "PixelPaddingValue",
        "PixelPaddingRangeLimit",
        "WindowCenter",
        "WindowWidth",
        "VOILUTFunction",
        "RescaleIntercept",
        "RescaleSlope",
        "ModalityLUTSequence",
        "VOILUTSequence",
        "PixelData",
    )
]
MAX_ELEMENT_BYTES = 1 << 19  # of any needed element but the pixels; the largest look-up table has 2 ** 17
CORRUPT = "the DICOM file is damaged, cut off or breaks the standard; export it again"

# What pydicom, and Pillow behind a compressed frame, raise on malformed files: those with a reason were met by the fuzz
# target or a test; the others are in the source of the parsers.
DICOM_FAULTS = (
    OSError,  # a sequence or a compressed frame is cut off
    ValueError,  # numbers that are none; pixels that are too short; limits of ours
    TypeError,  # an element of another type, or of several values
    AttributeError,  # an element is missing
    NotImplementedError,  # an unknown value representation
    BytesLengthException,  # a value of half a number
    RecursionError,  # sequences within sequences
    FloatingPointError,  # a window or rescaling beyond all numbers
    struct.error,  # an item is cut off
    Image.DecompressionBombError,  # a frame whose own header claims another size
    SyntaxError,
    IndexError,
    KeyError,
    OverflowError,
    MemoryError,
)


def decode_dicom(data: bytes, max_pixels: int) -> np.ndarray:
    """The first frame of a DICOM file to uint8[h, w]. Raises ImageError."""
    try:
        header = _read_header(data)
        layout = _layout(header)
        check_pixel_count(layout.columns, layout.rows, max_pixels)
        if "PixelData" not in header:
            raise ImageError("unsupported", "the DICOM file has no integer pixels; send the radiograph itself")
        frame = first_frame(layout, _pixel_bytes(header, layout))
        return grey_from_stored(frame, header, layout.space) if layout.samples == 1 else frame.values
    except DICOM_FAULTS:
        raise ImageError("corrupt", CORRUPT) from None  # a chained fault may quote the file in a traceback


def _pixel_bytes(header: Dataset, layout: Layout) -> bytes:
    element = header["PixelData"]
    if layout.little_endian or layout.bits_allocated != 8 or element.VR != "OW":
        return element.value
    return np.frombuffer(element.value, ">u2").astype("<u2").tobytes()  # single bytes, swapped as words were


def _read_header(data: bytes) -> Dataset:
    _check_syntax(_claimed_syntax(data))
    header = dcmread(MeteredBytes(data), specific_tags=NEEDED)
    for tag in (tag for tag in NEEDED if tag in header and tag != PIXEL_DATA):
        value = header.get_item(tag).value  # as bytes: not made into numbers yet
        if isinstance(value, bytes) and len(value) > MAX_ELEMENT_BYTES:
            raise ValueError("an element of the header is far too long")
    if "Rows" not in header or "Columns" not in header:
        raise ImageError("unsupported", "the DICOM file holds no picture; send the radiograph itself")
    return header


def _claimed_syntax(data: bytes) -> str:
    """The transfer syntax in the file's meta group, read by itself: what follows may be deflated to any size.

    An element of unknown kind raises NotImplementedError, since dcmread would go on to read the group another way.
    """

    def after_meta(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        return tag.group != 2

    file = MeteredBytes(data)
    file.seek(MARK_END)
    meta = read_dataset(file, is_implicit_VR=False, is_little_endian=True, stop_when=after_meta)
    return next((str(element.value) for element in list(meta) if element.keyword == "TransferSyntaxUID"), "")


def _check_syntax(uid: str) -> None:
    if uid and uid not in SYNTAXES:  # pydicom guesses where there is none
        name = UID_dictionary[uid][0] if uid in UID_dictionary else "a private or unknown one"
        raise ImageError(
            "unsupported",
            f"the DICOM file's transfer syntax is {name}, which is not read; export it uncompressed or as JPEG 2000",
        )


def _layout(header: Dataset) -> Layout:
    """The header's facts as plain numbers: an element may be of any type in a malformed file."""
    bits_allocated = int(header.BitsAllocated)
    bits_stored = int(header.get("BitsStored") or bits_allocated)
    high_bit = header.get("HighBit")
    return Layout(
        rows=int(header.Rows),
        columns=int(header.Columns),
        samples=int(header.get("SamplesPerPixel") or 1),
        space=str(header.PhotometricInterpretation),
        planar=header.get("PlanarConfiguration") == 1,
        frames=int(header.get("NumberOfFrames") or 1),
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        high_bit=bits_stored - 1 if high_bit is None else int(high_bit),
        signed=header.get("PixelRepresentation") == 1,
        little_endian=bool(header.original_encoding[1]),
        syntax=str(header.file_meta.get("TransferSyntaxUID", "")),
    )
