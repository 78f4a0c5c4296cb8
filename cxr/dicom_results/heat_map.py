"""The heat map of an answer, out of its data URI."""

import base64
import binascii
import io

import numpy as np
from PIL import Image

from cxr.common.errors import ResultError

START = "data:image/png;base64,"
LONGEST_SIDE = 1024  # pixels; a map has one for each place of the last feature map, some ten a side


def heat_pixels(heatmap: str) -> np.ndarray:
    """The data URI to uint8[h, w, 4]: colour by the sign of each place's share, opacity by its size.

    Raises ResultError where it is none."""
    if not heatmap.startswith(START):
        raise ResultError("the answer's heatmap is no PNG in a data URI; ask a service of this version")
    try:
        png = io.BytesIO(base64.b64decode(heatmap.removeprefix(START), validate=True))
        with Image.open(png, formats=["PNG"]) as shown:
            if max(shown.size) > LONGEST_SIDE:
                raise ResultError(f"the answer's heatmap has more than {LONGEST_SIDE} pixels a side")
            return np.asarray(shown.convert("RGBA"))
    except (binascii.Error, OSError, SyntaxError, ValueError) as fault:
        raise ResultError(f"the answer's heatmap is damaged ({type(fault).__name__}); ask again") from None
