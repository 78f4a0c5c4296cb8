"""DICOM pictures whose values are numbers of colours: secondary captures, mostly, and mostly of greys."""

import numpy as np
from pydicom.dataset import Dataset

from cxr.imaging.dicom_frame import Frame
from cxr.imaging.grayscale import look_up
from cxr.imaging.wide_samples import LUMA

PALETTE = "PALETTE COLOR"
COLOURS = ("Red", "Green", "Blue")


def grey_from_palette(frame: Frame, header: Dataset) -> np.ndarray:
    """uint8[h, w]: the brightness of each pixel's colour. Raises one of cxr.imaging.dicom_decoder.DICOM_FAULTS."""
    patterns = np.arange(1 << (frame.values.dtype.itemsize * 8)) & ((1 << frame.bits) - 1)
    total = np.zeros(len(patterns))
    for colour, weight in zip(COLOURS, LUMA, strict=True):
        entries, first = _entries(header, colour)
        total += entries[np.clip(patterns - first, 0, len(entries) - 1)] * (weight / 65536)
    return look_up(np.rint(total).clip(0, 255).astype(np.uint8), frame.values)


def _entries(header: Dataset, colour: str) -> tuple[np.ndarray, int]:
    """The colour's brightness, float64[k] of 0 to 255, of each value, and the first value."""
    count, first, bits = (int(number) for number in header[f"{colour}PaletteColorLookupTableDescriptor"].value)
    count = count or 1 << 16
    data = header[f"{colour}PaletteColorLookupTableData"].value
    if bits == 8 and len(data) < 2 * count:
        entries = np.frombuffer(data, np.uint8, count=count).astype(np.float64)
    else:
        order = "<u2" if header.original_encoding[1] else ">u2"
        entries = np.frombuffer(data, order, count=count).astype(np.float64)
    return (entries if bits == 8 else entries / 257), first
