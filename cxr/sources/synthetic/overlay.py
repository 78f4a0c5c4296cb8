"""What is drawn with lines rather than fields: the lungs' vessels, devices, and the words on the film.

Each function gives float32[size, size], 0 to 1.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cxr.sources.synthetic.anatomy import Field

TEXT = "SYNTHETIC"
OVERSAMPLING = 2
# (u, v) of the patient to (x, y) of the picture, both with 0 in the middle and 1 half the image size away
Place = Callable[[float, float], tuple[float, float]]


class Canvas:
    """A picture to draw on in the patient's coordinates, finer than the radiograph."""

    def __init__(self, image_size: int, place: Place):
        self.image_size = image_size
        self.place = place
        self.scale = image_size * OVERSAMPLING / 2
        self.image = Image.new("L", (image_size * OVERSAMPLING,) * 2)
        self.draw = ImageDraw.Draw(self.image)

    def point(self, u: float, v: float) -> tuple[float, float]:
        x, y = self.place(u, v)
        return (x + 1) * self.scale, (y + 1) * self.scale

    def line(self, points: list[tuple[float, float]], width: float, level: int) -> None:
        pixels = max(1, round(width * self.scale))
        self.draw.line([self.point(*p) for p in points], fill=level, width=pixels, joint="curve")

    def ring(self, u: float, v: float, radius: float, width: float, level: int) -> None:
        x, y = self.point(u, v)
        r = radius * self.scale
        self.draw.ellipse((x - r, y - r, x + r, y + r), outline=level, width=max(1, round(width * self.scale)))

    def field(self) -> Field:
        return np.asarray(self.image.reduce(OVERSAMPLING), dtype=np.float32) * np.float32(1 / 255)


def vessels(rng: np.random.Generator, image_size: int, place: Place) -> Field:
    """Two trees that spread from the hila and thin out towards the chest wall."""
    canvas = Canvas(image_size, place)
    for sign in (-1, 1):
        for angle in np.linspace(-1.3, 1.3, 7) + rng.normal(0, 0.12, 7):
            _branch(
                rng, canvas, sign, (sign * 0.15, -0.06 + 0.06 * angle), angle=float(angle), width=0.024, generations=4
            )
    return canvas.field()


def _branch(
    rng: np.random.Generator,
    canvas: Canvas,
    sign: int,
    start: tuple[float, float],
    *,
    angle: float,
    width: float,
    generations: int,
) -> None:
    """angle: 0 runs outwards, positive runs down, in radians."""
    length = rng.uniform(0.09, 0.17)
    end = (start[0] + sign * length * float(np.cos(angle)), start[1] + length * float(np.sin(angle)))
    canvas.line([start, end], width, round(60 + 6000 * width))
    if generations > 1:
        for turn in (-0.3, 0.3):
            turned = angle + turn + rng.normal(0, 0.15)
            _branch(rng, canvas, sign, end, angle=turned, width=width * 0.7, generations=generations - 1)


def devices(rng: np.random.Generator, image_size: int, place: Place) -> Field:
    """ECG leads and their wires, sometimes a central line; more often nothing."""
    canvas = Canvas(image_size, place)
    if rng.random() < 0.35:
        for _ in range(rng.integers(2, 5)):
            u = rng.uniform(-0.75, 0.75)
            v = rng.uniform(-0.6, 0.5)
            canvas.ring(u, v, 0.035, 0.02, 220)
            canvas.line([(u, v), ((u + rng.normal(0, 0.3)), v + 0.5), (rng.uniform(-0.6, 0.6), 1.3)], 0.012, 130)
    if rng.random() < 0.15:
        canvas.line([(-0.35, -0.9), (-0.30, -0.62), (-0.12, -0.5), (-0.1, -0.05)], 0.02, 170)
    return canvas.field()


@lru_cache(maxsize=4)
def synthetic_mark(image_size: int) -> Field:
    """The word SYNTHETIC at the foot of the picture, the same on every picture of this size."""
    font = ImageFont.load_default_imagefont()
    width, height = (int(edge) for edge in font.getbbox(TEXT)[2:])
    word = Image.new("L", (width, height))
    ImageDraw.Draw(word).text((0, 0), TEXT, font=font, fill=255)
    target = (max(1, round(0.44 * image_size)), max(1, round(0.44 * image_size * height / width)))
    mark = Image.new("L", (image_size, image_size))
    mark.paste(
        word.resize(target, Image.Resampling.LANCZOS), ((image_size - target[0]) // 2, image_size - target[1] - 1)
    )
    return np.asarray(mark, dtype=np.float32) * np.float32(1 / 255)
