"""From stored DICOM values to what a viewer shows (PS3.3 C.11): modality, values of interest, polarity.

All of it is worked out once for each value that can be stored, at most 65,536, and then looked up.
"""

import numpy as np
from pydicom.dataset import Dataset

from cxr.imaging.dicom_frame import Frame
from cxr.imaging.grayscale import bands, look_up
from cxr.imaging.sample_depth import depth_top, robust_limits_of_counts


def is_inverted(header: Dataset, space: str) -> bool:
    """Whether the least value is white. MONOCHROME1 with an inverse presentation LUT says so twice."""
    return space == "MONOCHROME1" or str(header.get("PresentationLUTShape") or "").strip().upper() == "INVERSE"


def grey_from_stored(frame: Frame, header: Dataset, *, inverted: bool) -> np.ndarray:
    """uint8[h, w] from a grey frame; padding is black. Raises one of cxr.imaging.dicom_decoder.DICOM_FAULTS."""
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        stored = _meaning_of_patterns(frame)
        padding = _is_padding(stored, header)
        if not padding[_corners(frame)].any():
            padding = np.zeros(stored.shape, bool)  # the padding surrounds the picture: elsewhere it is a grey level
        values = _modality(stored, header)
        share = _values_of_interest(values, header)
        if share is None and frame.bits == 8 and not frame.signed and np.array_equal(values, stored):
            share = stored / 255  # 8 bits without any mapping are made for display: a JPEG gives the same
        elif share is None:
            share = _min_max(values, np.where(padding, 0, _counts(frame.values, len(stored))))
        if inverted:
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
    slope = first_number(header, "RescaleSlope") or 1.0  # 0 would make one grey of all: no viewer takes it for true
    return stored * slope + (first_number(header, "RescaleIntercept") or 0.0)


def _values_of_interest(values: np.ndarray, header: Dataset) -> np.ndarray | None:
    """0 (black) to 1 (white) by the VOI LUT, else by the first window; None where there is neither."""
    if header.get("VOILUTSequence"):
        entries, top = _through_lut(values, header.VOILUTSequence[0])
        return (entries / top).clip(0, 1)
    center = first_number(header, "WindowCenter")
    width = first_number(header, "WindowWidth")
    if center is None or width is None:
        return None
    return _window(values, center, width, str(header.get("VOILUTFunction") or "LINEAR"))


def first_number(header: Dataset, keyword: str) -> float | None:
    """The first of an element's values; None where there is none, or none that is a number."""
    try:
        value = header.get(keyword)
        number = None if value in (None, "") else float(value[0] if header[keyword].VM > 1 else value)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return number if number is not None and np.isfinite(number) else None


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
    top = min((1 << bits) - 1, depth_top(int(entries.max())))  # some promise 16 bits and fill 12
    indices = np.clip(np.floor(values) - first, 0, count - 1).astype(np.intp)
    return entries[indices].astype(np.float64), top


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


def _corners(frame: Frame) -> np.ndarray:
    return frame.values[[0, 0, -1, -1], [0, -1, 0, -1]]


def _counts(patterns: np.ndarray, size: int) -> np.ndarray:
    """int64[size]: how often the picture has each bit pattern."""
    counts = np.zeros(size, np.int64)
    for band in bands(patterns.shape):
        counts += np.bincount(patterns[band].reshape(-1), minlength=size)
    return counts


def _min_max(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """0 to 1 from the least to the largest value that occurs, but for those far from all others."""
    low_limit, high_limit = robust_limits_of_counts(values, counts)
    counted = values[(counts > 0) & (values >= low_limit) & (values <= high_limit)]
    if not counted.size or counted.min() == counted.max():
        return np.zeros(values.shape)
    return ((values - counted.min()) / (counted.max() - counted.min())).clip(0, 1)
