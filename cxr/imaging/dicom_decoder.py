"""DICOM to 8-bit grey: the values that its header means, seen through the window that it asks for.

| DICOM | what is done with it |
|---|---|
| MONOCHROME2, MONOCHROME1 | 8 to 16 bits; inverted for MONOCHROME1 or an inverse presentation LUT: bone is bright |
| modality LUT, or rescale slope and intercept | applied; a slope of 0 counts as 1 |
| VOI LUT, else the first window (linear, linear exact, sigmoid) | applied; black is 0, white is 255 |
| neither | 8 bits as they are; else min-max, without padding and without a few values far from all others |
| what an Enhanced object's functional groups say of the first frame | applied, where the object itself says nothing |
| pixel padding value and range | black, where it reaches a corner of the picture; else a grey level |
| RGB, YBR_FULL, YBR_FULL_422, palettes, JPEG 2000's YBR_RCT and YBR_ICT, of 8 bits; RGB of 16 bits | brightness |
| several frames | the first |
| no compression, deflated, RLE, JPEG, JPEG Lossless, JPEG-LS, JPEG 2000, HTJ2K | read; the frame itself says which |
| any other transfer syntax | "unsupported", with its name |
| no "DICM" mark at byte 128 | read, if its first two elements are those of a data set |
| a value too few, a missing end mark, a number that is none | as dcmtk shows it |
| more than 16 bits, overlays, presentation states, thumbnails | the first "unsupported", the others ignored |

Only the elements in NEEDED are kept: a patient's name is stepped over, never parsed, kept or logged.
"""

import struct
from contextlib import ExitStack

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException

from cxr.common.errors import ImageError
from cxr.imaging.dicom_file import read_header
from cxr.imaging.dicom_frame import Frame, Layout, first_frame
from cxr.imaging.dicom_palette import PALETTE, grey_from_palette
from cxr.imaging.dicom_voi import grey_from_stored, is_inverted
from cxr.imaging.grayscale import grey_from_16_bit
from cxr.imaging.limits import check_pixel_count

CORRUPT = "the DICOM file is damaged, cut off or breaks the standard; export it again"

# At the peak, as measured: a JPEG 2000 decoder has four bytes for every sample.
BYTES_PER_PIXEL = 6
BYTES_PER_SAMPLE = 5

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
        header = read_header(data, max_pixels)
        layout = _layout(header)
        bytes_per_pixel = BYTES_PER_PIXEL + BYTES_PER_SAMPLE * layout.samples
        check_pixel_count(layout.columns, layout.rows, max_pixels, bytes_per_pixel)
        if "PixelData" not in header:
            raise ImageError("unsupported", "the DICOM file has no integer pixels; send the radiograph itself")
        with ExitStack() as held:
            return _grey(first_frame(layout, _pixel_bytes(header, layout), held), header, layout)
    except DICOM_FAULTS:
        raise ImageError("corrupt", CORRUPT) from None  # a chained fault may quote the file in a traceback


def _grey(frame: Frame, header: Dataset, layout: Layout) -> np.ndarray:
    if layout.samples > 1:
        return frame.values if frame.bits == 8 else grey_from_16_bit(frame.values)
    if layout.space == PALETTE:
        return grey_from_palette(frame, header)
    return grey_from_stored(frame, header, inverted=is_inverted(header, layout.space))


def _pixel_bytes(header: Dataset, layout: Layout) -> bytes:
    element = header["PixelData"]
    if layout.little_endian or layout.bits_allocated != 8 or element.VR != "OW":
        return element.value
    return np.frombuffer(element.value, ">u2").astype("<u2").tobytes()  # single bytes, swapped as words were


def _layout(header: Dataset) -> Layout:
    """The header's facts as plain numbers: an element may be of any type in a malformed file."""
    bits_allocated = int(header.BitsAllocated)
    high_bit = header.get("HighBit")
    bits_stored = int(header.get("BitsStored") or (bits_allocated if high_bit is None else int(high_bit) + 1))
    return Layout(
        rows=int(header.Rows),
        columns=int(header.Columns),
        samples=int(header.get("SamplesPerPixel") or 1),
        space=str(header.PhotometricInterpretation).strip().upper(),
        planar=header.get("PlanarConfiguration") == 1,
        frames=int(header.get("NumberOfFrames") or 1),
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        high_bit=bits_stored - 1 if high_bit is None else int(high_bit),
        signed=header.get("PixelRepresentation") == 1,
        little_endian=bool(header.original_encoding[1]),
        syntax=str(header.file_meta.get("TransferSyntaxUID", "")),
    )
