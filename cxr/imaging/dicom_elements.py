"""A few elements of a DICOM file on the disk, read without its pixels and without inflating all of it."""

import io
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import dcmread, read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian

from cxr.imaging.dicom_decoder import DICOM_FAULTS
from cxr.imaging.dicom_file import MAX_INFLATED_HEADER, PIXEL_DATA, claimed_syntax

_MOST_READ = 1 << 20  # bytes of a file in which its meta group ends


T = TypeVar("T")


def if_dicom(read: Callable[[], T]) -> T | None:
    """What `read` gives of a file; None where the file is not DICOM or is damaged.

    Raises OSError where the system cannot read it now: pydicom's own, about a file that is cut off, have no number.
    """
    try:
        return read()
    except OSError as fault:
        if fault.errno:
            raise
        return None
    except (*DICOM_FAULTS, InvalidDicomError):
        return None


def read_elements(file: Path, keywords: Sequence[str], *, force: bool = True) -> Dataset:
    """The elements of these keywords that stand before the pixels.

    pydicom inflates a deflated file as a whole, to any size; here at most `MAX_INFLATED_HEADER` bytes of it are. force:
    whether a file without preamble may be DICOM. Raises one of cxr.imaging.dicom_decoder.DICOM_FAULTS, or where not
    forced pydicom's InvalidDicomError.
    """
    with file.open("rb") as handle:
        start = handle.read(_MOST_READ)
    syntax, end_of_meta = claimed_syntax(start)
    if syntax != DeflatedExplicitVRLittleEndian:
        return dcmread(file, stop_before_pixels=True, specific_tags=list(keywords), force=force)
    with file.open("rb") as handle:
        handle.seek(end_of_meta)
        deflated = handle.read(MAX_INFLATED_HEADER)
    try:
        header = zlib.decompressobj(-zlib.MAX_WBITS).decompress(deflated, MAX_INFLATED_HEADER)
    except zlib.error:
        raise ValueError("the deflated data set is damaged") from None

    def at_pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        return tag >= PIXEL_DATA

    return read_dataset(
        io.BytesIO(header),
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=at_pixels,
        specific_tags=[Tag(keyword) for keyword in keywords],
    )
