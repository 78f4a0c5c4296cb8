"""Drawn pictures for the browser tests and the screenshots: nobody's X-ray, only shapes that look like one."""

import base64
import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

DICOM_PREAMBLE = b"\0" * 128 + b"DICM"


def chest_png(width: int = 480, height: int = 480, seed: int = 0) -> bytes:
    """A grey PNG with two dark lung fields, a bright spine and ribs."""
    rng = np.random.default_rng(seed)
    canvas = Image.new("L", (600, 600), 18)
    draw = ImageDraw.Draw(canvas)
    draw.rounded_rectangle((60, 40, 540, 640), 150, fill=150)
    draw.ellipse((130, 90, 290, 500), fill=52)
    draw.ellipse((310, 90, 470, 500), fill=52)
    draw.rectangle((278, 20, 322, 600), fill=196)
    draw.ellipse((272, 270, 425, 480), fill=178)
    draw.pieslice((100, 420, 310, 640), 180, 360, fill=176)
    draw.pieslice((320, 440, 520, 640), 180, 360, fill=170)
    canvas = canvas.filter(ImageFilter.GaussianBlur(9))
    ribs = Image.new("L", canvas.size, 0)
    draw = ImageDraw.Draw(ribs)
    for top in range(80, 470, 46):
        draw.arc((100, top, 330, top + 170), 190, 320, fill=42, width=13)
        draw.arc((270, top, 500, top + 170), 220, 350, fill=42, width=13)
    pixels = np.asarray(canvas, float) + np.asarray(ribs.filter(ImageFilter.GaussianBlur(4)), float)
    pixels += rng.normal(0, 1, pixels.shape) + rng.uniform(-8, 8)
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).resize((width, height))
    return _png(picture)


def blank_png(image_size: int = 480) -> bytes:
    """A grey PNG that shows nothing, as an exposure without a patient would."""
    return _png(
        Image.fromarray(
            np.add.outer(np.linspace(196, 214, image_size), np.linspace(-6, 6, image_size)).astype(np.uint8)
        )
    )


def heatmap_uri(width: int = 480, height: int = 480) -> str:
    """A transparent overlay as the service sends it: data URI of an RGBA PNG."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    glow = np.exp(-(((x - 0.34) / 0.10) ** 2 + ((y - 0.62) / 0.13) ** 2))
    glow += 0.7 * np.exp(-(((x - 0.68) / 0.08) ** 2 + ((y - 0.45) / 0.11) ** 2))
    glow = np.clip(glow, 0, 1)
    rgba = np.stack([255 * np.ones_like(glow), 210 - 150 * glow, 60 * (1 - glow), 255 * glow], axis=-1)
    return "data:image/png;base64," + base64.b64encode(_png(Image.fromarray(rgba.astype(np.uint8)))).decode()


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
