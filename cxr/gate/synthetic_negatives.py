"""Pictures that are no X-ray, for teaching the gate: drawn here, or photographs that come with libraries.

Every drawing is uint8[size, size] from a random generator. Each kind is drawn in many ways: the gate has to learn that
a picture is no frontal X-ray, not which drawing it resembles.
"""

import hashlib
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cxr.common.errors import CxrError
from cxr.imaging.decode import resize, to_pixels

Drawing = Callable[[int, np.random.Generator], np.ndarray]
_LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:-     "))


def noise(image_size: int, rng: np.random.Generator) -> np.ndarray:
    """From single pixels to clouds, of any brightness and contrast."""
    cells = max(2, int(image_size / np.exp(rng.uniform(0, np.log(image_size / 3)))))
    return _stretch(_grown(rng.normal(0, 1, (cells, cells)), image_size), rng)


def gradient(image_size: int, rng: np.random.Generator) -> np.ndarray:
    """Linear, radial or in waves."""
    y, x = np.mgrid[-1 : 1 : image_size * 1j, -1 : 1 : image_size * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    linear = x * np.cos(angle) + y * np.sin(angle)
    radial = np.hypot(x - rng.uniform(-0.5, 0.5), y - rng.uniform(-0.5, 0.5))
    ways = (linear, radial, np.sin(linear * rng.uniform(3, 40)), np.sin(radial * rng.uniform(3, 40)))
    return _stretch(ways[rng.integers(len(ways))], rng)


def checkerboard(image_size: int, rng: np.random.Generator) -> np.ndarray:
    """Fields or stripes."""
    y, x = np.mgrid[:image_size, :image_size] // rng.integers(3, max(4, image_size // 3), dtype=np.int64)
    return _stretch(((x + y * rng.integers(0, 2)) % 2).astype(float), rng)


def text_page(image_size: int, rng: np.random.Generator) -> np.ndarray:
    """Lines of letters, dark on light or light on dark."""
    paper = int(rng.integers(180, 256))
    image = Image.new("L", (image_size, image_size), paper)
    draw = ImageDraw.Draw(image)
    size = float(rng.uniform(6, 28))
    font = ImageFont.load_default(size)
    for top in np.arange(rng.uniform(0, 20), image_size, size * rng.uniform(1.1, 2.2)):
        line = "".join(rng.choice(_LETTERS, int(rng.integers(1, 2 + int(2 * image_size / size)))))
        draw.text((rng.uniform(0, image_size / 6), top), line, fill=int(rng.integers(0, 90)), font=font)
    page = np.asarray(image)
    return page if rng.random() < 0.7 else 255 - page


def shapes(image_size: int, rng: np.random.Generator) -> np.ndarray:
    """Overlapping ellipses, boxes and lines, as in a drawing, a chart or a screen."""
    image = Image.new("L", (image_size, image_size), int(rng.integers(0, 256)))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(2, 25))):
        x, y = (np.sort(rng.uniform(-0.2, 1.2, 2) * image_size) for _ in range(2))
        grey = int(rng.integers(0, 256))
        way = rng.integers(3)
        box = (x[0], y[0], x[1], y[1])
        if way == 0:
            draw.ellipse(box, fill=grey)
        elif way == 1:
            draw.rectangle(box, fill=grey)
        else:
            draw.line(box, fill=grey, width=int(rng.integers(1, 12)))
    return np.asarray(image)


def scene(image_size: int, rng: np.random.Generator) -> np.ndarray:
    """Things before one another, each with its own light and texture: the statistics of a photograph come from
    occlusion (the dead leaves model, Lee, Mumford & Huang 2001)."""
    picture = _lit(image_size, rng)
    y, x = np.mgrid[-1 : 1 : image_size * 1j, -1 : 1 : image_size * 1j]
    for _ in range(int(rng.integers(3, 40))):
        size = rng.uniform(0.05, 1) ** 1.5
        angle = rng.uniform(0, np.pi)
        aspect = rng.uniform(0.3, 1)
        dx = x - rng.uniform(-1, 1)
        dy = y - rng.uniform(-1, 1)
        along = dx * np.cos(angle) + dy * np.sin(angle)
        across = (dy * np.cos(angle) - dx * np.sin(angle)) / aspect
        power = rng.choice([1.0, 2.0, 8.0])  # a rhomb, an ellipse, almost a box
        inside = np.abs(along) ** power + np.abs(across) ** power < size**power
        picture = np.where(inside, _lit(image_size, rng), picture)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _lit(image_size: int, rng: np.random.Generator) -> np.ndarray:
    """A surface: one grey level, light from one side, a little texture."""
    y, x = np.mgrid[-1 : 1 : image_size * 1j, -1 : 1 : image_size * 1j]
    light = x * rng.normal(0, 25) + y * rng.normal(0, 25)
    cells = int(rng.integers(3, image_size // 2))
    texture = _grown(rng.normal(0, rng.uniform(0, 25), (cells, cells)), image_size)
    return rng.uniform(0, 255) + light + texture


DRAWINGS: Mapping[str, Drawing] = {
    "noise": noise,
    "gradient": gradient,
    "checkerboard": checkerboard,
    "text_page": text_page,
    "shapes": shapes,
    "scene": scene,
}


def nth(drawings: Mapping[str, Drawing], number: int) -> Drawing:
    """Each in turn."""
    return list(drawings.values())[number % len(drawings)]


def blank(image_size: int, rng: np.random.Generator) -> np.ndarray:
    """One grey level, with at most a level or two of noise."""
    level = rng.uniform(0, 255)
    deviation = rng.choice([0.0, 0.5, 1.0])
    return np.clip(np.rint(level + rng.normal(0, deviation, (image_size, image_size))), 0, 255).astype(np.uint8)


class Photograph(NamedTuple):
    """A picture that a library ships. file: where it lies in the library's folder. sha256: of its bytes, since a
    library is no archive: another version may bring another picture under the same name."""

    package: str
    file: str
    sha256: str

    def read(self) -> bytes:
        """Raises CxrError where the installed library has another picture, or none."""
        try:
            content = self._path().read_bytes()
        except FileNotFoundError:
            raise self._fault("is missing") from None
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise self._fault("is another picture than the one that the gate was made with")
        return content

    def _path(self) -> Path:
        """Found without importing the library, which takes seconds."""
        spec = find_spec(self.package)
        folders = spec.submodule_search_locations if spec else None
        return Path(folders[0] if folders else self.package) / self.file

    def _fault(self, what: str) -> CxrError:
        return CxrError(
            f"{self.file} of {self.package} {what}; install the version that uv.lock names, or change the photographs "
            "in cxr/gate/synthetic_negatives.py and measure the gate anew"
        )


# A photograph to learn from is not one to test with.
PHOTOS_TO_LEARN = (
    Photograph(
        "sklearn",
        "datasets/images/china.jpg",
        "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
    ),
    Photograph(
        "matplotlib",
        "mpl-data/sample_data/grace_hopper.jpg",
        "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
    ),
)
PHOTOS_TO_TEST = (
    Photograph(
        "sklearn",
        "datasets/images/flower.jpg",
        "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
    ),
    Photograph(
        "matplotlib",
        "mpl-data/sample_data/Minduka_Present_Blue_Pack.png",
        "5e72868826a7a4329a950e5a9efa393594807833fb7f27e5cd001a8afb9cd081",
    ),
    Photograph(
        "matplotlib",
        "mpl-data/sample_data/logo2.png",
        "0d7371e055decaac47cb6e809af3442e9c1ecd02f1c1e2d063d1cfee4b4a21d7",
    ),
)


def photos(files: tuple[Photograph, ...], image_size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """uint8[count, size, size]: random parts of the libraries' photographs, some mirrored; each at once whole first."""
    decoded = photographs(files)
    whole = [resize(photo, image_size) for photo in decoded][:count]
    parts = [photo_part(decoded[i % len(decoded)], image_size, rng) for i in range(count - len(whole))]
    return np.stack([*whole, *parts])


def photographs(files: tuple[Photograph, ...]) -> list[np.ndarray]:
    """Each uint8[512, 512], grey. Raises CxrError where a file is not the one that is meant."""
    return [to_pixels(photograph.read(), 512) for photograph in files]


def photo_part(photo: np.ndarray, image_size: int, rng: np.random.Generator) -> np.ndarray:
    """uint8[size, size]: a part of uint8[h, w], of three tenths of its sides or more, mirrored half of the time."""
    height, width = photo.shape
    size = rng.uniform(0.3, 1.0, 2) * (height, width)
    top, left = rng.uniform(0, 1, 2) * ((height, width) - size)
    part = photo[int(top) : int(top + size[0]), int(left) : int(left + size[1])]
    return resize(np.ascontiguousarray(part[:, :: rng.choice([-1, 1])]), image_size)


def _grown(cells: np.ndarray, image_size: int) -> np.ndarray:
    return np.asarray(
        Image.fromarray(cells.astype(np.float32)).resize((image_size, image_size), Image.Resampling.BICUBIC)
    )


def _stretch(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """To grey, between two levels at least 40 apart, either way round."""
    low = rng.uniform(0, 215)
    high = rng.uniform(low + 40, 255)
    unit = (values - values.min()) / max(float(np.ptp(values)), 1e-9)
    unit = unit if rng.random() < 0.5 else 1 - unit
    return np.rint(low + (high - low) * unit).astype(np.uint8)
