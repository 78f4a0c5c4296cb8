"""A decoded picture as something to look at."""

import base64
import io

import numpy as np
from PIL import Image


def as_png(picture: np.ndarray, longest: int) -> str:
    """The picture, uint8[h, w], as the data URI of a grey PNG whose longer side has at most `longest` pixels."""
    image = Image.fromarray(picture)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    with io.BytesIO() as png:
        image.save(png, "PNG")
        return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()


def as_jpeg(image: Image.Image, quality: int) -> str:
    """The image as the data URI of a JPEG. quality: 1 to 95, as Pillow takes it."""
    with io.BytesIO() as jpeg:
        image.save(jpeg, "JPEG", quality=quality)
        return "data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue()).decode()
