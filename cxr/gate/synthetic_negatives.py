"""Pictures that are no X-ray, for teaching the gate: drawn here, or photographs that come with libraries.

Every drawing is uint8[size, size] from a random generator. Each kind is drawn in many ways, since what matters is
that a picture is none of the frontal X-rays, not which of these it resembles.
"""

from collections.abc import Callable, Mapping
from importlib import resources

import numpy as np
from PIL import Image, ImageDraw, ImageFont

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
    draw, size = ImageDraw.Draw(image), float(rng.uniform(6, 28))
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
        grey, way = int(rng.integers(0, 256)), rng.integers(3)
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
        angle, aspect = rng.uniform(0, np.pi), rng.uniform(0.3, 1)
        dx, dy = x - rng.uniform(-1, 1), y - rng.uniform(-1, 1)
        along, across = dx * np.cos(angle) + dy * np.sin(angle), (dy * np.cos(angle) - dx * np.sin(angle)) / aspect
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


def blank(image_size: int, rng: np.random.Generator) -> np.ndarray:
    """One grey level, with at most a level or two of noise."""
    level, deviation = rng.uniform(0, 255), rng.choice([0.0, 0.5, 1.0])
    return np.clip(np.rint(level + rng.normal(0, deviation, (image_size, image_size))), 0, 255).astype(np.uint8)


# Library, and where its picture lies in it. A photograph to learn from is not one to test with.
PHOTOS_TO_LEARN = (("sklearn", "datasets/images/china.jpg"), ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"))
PHOTOS_TO_TEST = (
    ("sklearn", "datasets/images/flower.jpg"),
    ("matplotlib", "mpl-data/sample_data/Minduka_Present_Blue_Pack.png"),
    ("matplotlib", "mpl-data/sample_data/logo2.png"),
)


def photos(files: tuple[tuple[str, str], ...], image_size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """uint8[count, size, size]: random parts of the libraries' photographs, some mirrored; each at once whole first."""
    decoded = photographs(files)
    whole = [resize(photo, image_size) for photo in decoded][:count]
    parts = [photo_part(decoded[i % len(decoded)], image_size, rng) for i in range(count - len(whole))]
    return np.stack([*whole, *parts])


def photographs(files: tuple[tuple[str, str], ...]) -> list[np.ndarray]:
    """Each uint8[512, 512], grey."""
    return [to_pixels(resources.files(library).joinpath(file).read_bytes(), 512) for library, file in files]


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
