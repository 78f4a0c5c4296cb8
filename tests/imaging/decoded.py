"""What several tests of the decoder share: a picture, its samples, and what to say of a decoded file."""

import numpy as np
import pytest
from PIL import Image

from cxr.common.errors import ImageError
from cxr.imaging.decode import IMAGE_ERROR_CODES, decode
from tests.fuzz.samples import every_sample, ramp

GREY = ramp()
COLOUR = Image.merge("RGB", [Image.fromarray(part) for part in (GREY, 255 - GREY, GREY // 2)])
LUMA = np.asarray(COLOUR.convert("L"))
REFUSED = ("tiff_group4",)
READ = {name: data for name, data in every_sample().items() if name not in REFUSED}


def fault_of(data: bytes, **options) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode(data, **options)
    assert caught.value.code in IMAGE_ERROR_CODES
    return caught.value


def difference(first: np.ndarray, second: np.ndarray) -> int:
    return int(np.abs(first.astype(int) - second.astype(int)).max())
