"""From stored DICOM values to what a viewer shows (PS3.3 C.11): modality, values of interest, polarity.

All of it is worked out once for each value that can be stored, at most 65,536, and then looked up.
"""

import numpy as np
from pydicom.dataset import Dataset

from cxr.imaging.dicom_frame import Frame
from cxr.imaging.grayscale import bands, look_up


def grey_from_stored(frame: Frame, header: Dataset, space: str) -> np.ndarray:
    """uint8[h, w] from a grey frame; padding is black. Raises one of cxr.imaging.dicom_decoder.DICOM_FAULTS."""
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        stored = _meaning_of_patterns(frame)
        padding = _is_padding(stored, header)
        values = _modality(stored, header)
        share = _values_of_interest(values, header)
        if share is None and frame.bits == 8 and not frame.signed and np.array_equal(values, stored):
            share = stored / 255  # 8 bits without any mapping are made for display: a JPEG gives the same
        elif share is None:
            share = _min_max(values, _occurring(frame.values, len(stored)) & ~padding)
        if space == "MONOCHROME1":
            share = 1 - share
        return look_up(np.where(padding, 0, np.rint(share * 255)).astype(np.uint8), frame.values)


def _meaning_of_patterns(frame: Frame) -> np.ndarray:
    """int64[256 or 65536]: the number that each bit pattern stands for; bits outside it, e.g. overlays, are cut."""
    patterns = np.arange(1 << (frame.values.dtype.itemsize * 8)) >> frame.shift
    numbers = patterns & ((1 << frame.bits) - 1)
    if frame.signed:
        numbers -= (numbers >> (frame.bits - 1)) << frame.bits
    return numbers


def _is_padding(stored: np.ndarray, header: Dataset) -> np.ndarray:
    first = header.get("PixelPaddingValue")
    if first is None:
        return np.zeros(stored.shape, bool)
    last = header.get("PixelPaddingRangeLimit")
    low, high = sorted((int(first), int(first if last is None else last)))
    return (stored >= low) & (stored <= high)


def _modality(stored: np.ndarray, header: Dataset) -> np.ndarray:
    if header.get("ModalityLUTSequence"):
        return _through_lut(stored, header.ModalityLUTSequence[0])[0]
    slope = header.get("RescaleSlope")
    intercept = header.get("RescaleIntercept")
    return stored * float(1 if slope is None else slope) + float(0 if intercept is None else intercept)


def _values_of_interest(values: np.ndarray, header: Dataset) -> np.ndarray | None:
    """0 (black) to 1 (white) by the VOI LUT, else by the first window; None where there is neither."""
    if header.get("VOILUTSequence"):
        entries, top = _through_lut(values, header.VOILUTSequence[0])
        return (entries / top).clip(0, 1)
    center = _first_number(header, "WindowCenter")
    width = _first_number(header, "WindowWidth")
    if center is None or width is None:
        return None
    return _window(values, center, width, str(header.get("VOILUTFunction") or "LINEAR"))


def _first_number(header: Dataset, keyword: str) -> float | None:
    """The first of an element's values; None where there is none."""
    if header.get(keyword) in (None, ""):
        return None
    element = header[keyword]
    return float(element.value[0] if element.VM > 1 else element.value)


def _window(values: np.ndarray, center: float, width: float, function: str) -> np.ndarray | None:
    """PS3.3 C.11.2.1.2 and C.11.2.1.3. A width that makes no window counts as none: some devices write 0."""
    if function == "LINEAR":
        center -= 0.5
        width -= 1
        if width == 0:  # the standard's way to say a threshold
            return (values > center).astype(np.float64)
    if not (np.isfinite([center, width]).all() and width > 0):
        return None
    if function == "SIGMOID":
        return 1 / (1 + np.exp((-4 * (values - center) / width).clip(-700, 700)))
    return ((values - center) / width + 0.5).clip(0, 1)


def _through_lut(values: np.ndarray, lut: Dataset) -> tuple[np.ndarray, int]:
    """The LUT's entry for each value, and the largest entry that its depth allows; its ends extend outwards."""
    count, first, bits = (int(number) for number in lut.LUTDescriptor)
    count = count or 1 << 16  # which does not fit the element's 16 bits
    if not 8 <= bits <= 16:
        raise ValueError("a look-up table's depth is 8 to 16 bits")
    entries = _lut_entries(lut, count)
    indices = np.clip(np.floor(values) - first, 0, count - 1).astype(np.intp)
    return entries[indices].astype(np.float64), (1 << bits) - 1


def _lut_entries(lut: Dataset, count: int) -> np.ndarray:
    """[count] entries. They come as numbers (VR US) or as bytes (VR OW): one byte each or two."""
    data = lut.LUTData
    if not isinstance(data, bytes):
        entries = np.asarray(data, np.int64)
    elif len(data) < 2 * count:
        entries = np.frombuffer(data, np.uint8)
    else:
        entries = np.frombuffer(data, "<u2" if lut.original_encoding[1] else ">u2")
    if entries.shape[0] < count:
        raise ValueError("a look-up table is shorter than it says")
    return entries


def _occurring(patterns: np.ndarray, size: int) -> np.ndarray:
    """bool[size]: which bit patterns the picture has."""
    seen = np.zeros(size, bool)
    for band in bands(patterns.shape):
        seen[patterns[band]] = True
    return seen


def _min_max(values: np.ndarray, occurs: np.ndarray) -> np.ndarray:
    if not occurs.any():
        return np.zeros(values.shape)
    low = values[occurs].min()
    high = values[occurs].max()
    return ((values - low) / (high - low)).clip(0, 1) if high > low else np.zeros(values.shape)
