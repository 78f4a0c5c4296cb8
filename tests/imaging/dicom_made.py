"""What several DICOM tests share: pixels, windows, and what to say of a decoded file."""

import numpy as np
import pytest

from cxr.common.errors import ImageError
from cxr.imaging.decode import decode
from tests.fuzz.samples import ramp

GREY = ramp()
DEEP = GREY.astype(np.uint16) * 16  # 12 bits
COLOUR = np.dstack([GREY, 255 - GREY, GREY // 2])
WINDOWED = {"WindowCenter": 2000, "WindowWidth": 3000}
TO_THE_TOP = {"WindowCenter": 2048, "WindowWidth": 4096}


def fault_of(data: bytes, **options) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode(data, **options)
    return caught.value


def difference(first: np.ndarray, second: np.ndarray) -> int:
    return int(np.abs(first.astype(int) - second.astype(int)).max())
