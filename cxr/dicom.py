"""DICOM to 8-bit grey: the values that its header means, seen through its own window.

Only the elements named in NEEDED are parsed: a patient's name is stepped over, neither kept nor logged.
"""

import io
import struct
import zlib

import numpy as np
import pydicom
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array

from cxr.errors import ImageError
from cxr.grey import check_pixel_count, grey_from_any_range

DICOM_FAULTS = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    OverflowError,
    MemoryError,
    NotImplementedError,
    RecursionError,
    RuntimeError,
    struct.error,
    zlib.error,
    pydicom.errors.InvalidDicomError,
    pydicom.errors.BytesLengthException,
)


def decode_dicom(data: bytes, max_pixels: int) -> np.ndarray:
    """The first frame of a DICOM file to uint8[h, w]. Raises ImageError."""
    try:
        header = pydicom.dcmread(io.BytesIO(data))
        check_pixel_count(int(header.Columns), int(header.Rows), max_pixels)
        stored = pixel_array(header, index=0)
        if header.SamplesPerPixel != 1:
            raise ImageError("unsupported", "colour DICOM is not read; send it in grey")
        seen = apply_voi_lut(apply_modality_lut(stored, header), header)
        grey = grey_from_any_range(seen)
        return 255 - grey if header.PhotometricInterpretation == "MONOCHROME1" else grey
    except DICOM_FAULTS as fault:
        raise ImageError("corrupt", "the DICOM file is damaged; send the original file again") from fault


def dicom_size(data: bytes, max_pixels: int) -> tuple[int, int]:
    """(width, height) from the header alone. Raises ImageError."""
    try:
        header = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
        width, height = int(header.Columns), int(header.Rows)
    except DICOM_FAULTS as fault:
        raise ImageError("corrupt", "the DICOM file is damaged; send the original file again") from fault
    check_pixel_count(width, height, max_pixels)
    return width, height
