"""Body parts drawn with lines and blur, to measure with what was learned from cxr/gate/body_parts.py.

Nothing is shared with that module but the names of body parts: other poses, other outlines, other light, another
film. Each function gives uint8[size, size] from a random generator.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Picture = npt.NDArray[np.uint8]
Point = tuple[float, float]
Rng = np.random.Generator
_SIDE = 256  # pixels that are drawn on
_OUTLINE = 3  # pixels of a bone's wall

# Traced by eye, 0 to 1 over the picture: each ray from the wrist or the heel to its tip.
_LEFT_HAND: Sequence[Sequence[Point]] = (
    ((0.47, 0.70), (0.34, 0.60), (0.24, 0.50), (0.17, 0.40)),
    ((0.47, 0.66), (0.41, 0.45), (0.37, 0.28), (0.35, 0.17), (0.34, 0.09)),
    ((0.50, 0.66), (0.49, 0.43), (0.49, 0.24), (0.49, 0.12), (0.49, 0.04)),
    ((0.53, 0.66), (0.56, 0.45), (0.60, 0.28), (0.62, 0.17), (0.63, 0.09)),
    ((0.56, 0.68), (0.63, 0.50), (0.69, 0.38), (0.72, 0.30), (0.74, 0.23)),
)
_FIST: Sequence[Sequence[Point]] = tuple(
    ((0.5, 0.72), (x, 0.42), (x + 0.02, 0.30), (x + 0.05, 0.40), (x + 0.03, 0.50)) for x in (0.36, 0.44, 0.52, 0.60)
)
_FOREARM: Sequence[Sequence[Point]] = (((0.45, 0.75), (0.44, 1.2)), ((0.55, 0.75), (0.56, 1.2)))
_SIDE_FOOT: Sequence[Sequence[Point]] = (
    ((0.42, -0.1), (0.40, 0.45)),
    ((0.33, -0.1), (0.34, 0.42)),
    ((0.40, 0.52), (0.20, 0.70)),
    ((0.40, 0.55), (0.55, 0.60), (0.62, 0.66), (0.78, 0.76), (0.88, 0.80), (0.94, 0.80)),
    ((0.42, 0.60), (0.58, 0.68), (0.75, 0.80), (0.85, 0.82)),
)
_KNEES: Sequence[Sequence[Point]] = tuple(
    ray
    for x in (0.27, 0.73)
    for ray in (((x, -0.1), (x, 0.46)), ((x, 0.54), (x, 1.1)), ((x + 0.09, 0.60), (x + 0.09, 1.1)))
)
_ARM: Sequence[Sequence[Point]] = (
    ((0.75, -0.1), (0.62, 0.52)),
    ((0.60, 0.58), (-0.1, 0.78)),
    ((0.55, 0.50), (-0.1, 0.66)),
)


def open_hand(image_size: int, rng: Rng) -> Picture:
    return _limb(image_size, rng, [*_LEFT_HAND, *_FOREARM], bone=0.03, flesh=0.105, palm=(0.38, 0.42, 0.64, 0.76))


def two_hands(image_size: int, rng: Rng) -> Picture:
    """Side by side on one film, as rheumatologists ask for."""
    left = _limb(image_size, rng, [*_LEFT_HAND, *_FOREARM], bone=0.03, flesh=0.105, palm=(0.38, 0.42, 0.64, 0.76))
    small = np.asarray(Image.fromarray(left).resize((image_size - image_size // 2, image_size)))
    return np.ascontiguousarray(np.concatenate([small[:, ::-1][:, : image_size // 2], small], axis=1))


def fist(image_size: int, rng: Rng) -> Picture:
    return _limb(image_size, rng, [*_FIST, *_FOREARM], bone=0.04, flesh=0.12, palm=(0.33, 0.28, 0.68, 0.75))


def foot_from_side(image_size: int, rng: Rng) -> Picture:
    return _limb(image_size, rng, _SIDE_FOOT, bone=0.08, flesh=0.19, palm=(0.2, 0.45, 0.6, 0.78))


def knees(image_size: int, rng: Rng) -> Picture:
    return _limb(image_size, rng, _KNEES, bone=0.12, flesh=0.34, palm=None)


def bent_arm(image_size: int, rng: Rng) -> Picture:
    return _limb(image_size, rng, _ARM, bone=0.09, flesh=0.24, palm=None)


def fetus(image_size: int, rng: Rng) -> Picture:
    """An ultrasound picture: a wide fan in bands of echo, a dark sac, in it a bright head and body."""
    image = Image.new("L", (_SIDE, _SIDE), 0)
    draw = ImageDraw.Draw(image)
    half = rng.uniform(30, 50)
    draw.pieslice((-60, -130, 316, 246), 90 - half, 90 + half, fill=int(rng.integers(70, 130)))
    draw.ellipse((98, 28 - 60, 158, 88 - 60), fill=0)
    fan = np.asarray(image) > 0
    x, y = rng.uniform(90, 140), rng.uniform(100, 140)
    wide, high = rng.uniform(45, 75), rng.uniform(35, 55)
    draw.ellipse((x - wide, y - high, x + wide, y + high), fill=int(rng.integers(0, 20)))
    head = rng.uniform(14, 24)
    draw.ellipse((x - head - 20, y - head, x + head - 20, y + head), outline=230, fill=70, width=4)
    draw.ellipse((x, y - 0.7 * head, x + 2.4 * head, y + 0.9 * head), outline=150, fill=90, width=3)
    bands = 1 + 0.3 * np.sin(np.arange(_SIDE)[:, None] * rng.uniform(0.05, 0.2) + rng.uniform(0, 6))
    echo = np.asarray(image.filter(ImageFilter.GaussianBlur(2)), float) * bands
    grey = np.clip(echo * rng.gamma(3, 1 / 3, (_SIDE, _SIDE)), 0, 255) * fan
    return _sized(Image.fromarray(grey.astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8)), image_size)


def _limb(
    image_size: int,
    rng: Rng,
    rays: Sequence[Sequence[Point]],
    *,
    bone: float,
    flesh: float,
    palm: tuple[float, float, float, float] | None,
) -> Picture:
    """rays: polylines of bones with a gap at every corner. bone, flesh: widths. palm: a box of tissue."""
    tissue = Image.new("L", (_SIDE, _SIDE), 0)
    walls = tissue.copy()
    onto_tissue, onto_walls = ImageDraw.Draw(tissue), ImageDraw.Draw(walls)
    if palm:
        onto_tissue.rounded_rectangle([place * _SIDE for place in palm], radius=20, fill=255)
    for ray in rays:
        points = [((x + rng.normal(0, 0.012)) * _SIDE, (y + rng.normal(0, 0.012)) * _SIDE) for x, y in ray]
        onto_tissue.line(points, fill=255, width=round(flesh * _SIDE), joint="curve")
        end = flesh * _SIDE / 2
        onto_tissue.ellipse(
            (points[-1][0] - end, points[-1][1] - end, points[-1][0] + end, points[-1][1] + end), fill=255
        )
        for start, stop in itertools.pairwise(points):
            _bone(onto_walls, start, stop, bone * _SIDE, rng)
    soft = tissue.filter(ImageFilter.GaussianBlur(rng.uniform(3, 8)))
    inside = ImageChops.multiply(soft, tissue.filter(ImageFilter.GaussianBlur(1)))
    return _exposed(inside, walls.filter(ImageFilter.GaussianBlur(0.8)), image_size, rng)


def _bone(draw: ImageDraw.ImageDraw, start: Point, stop: Point, width: float, rng: Rng) -> None:
    """A box with a bright wall and wider ends, 6 % short of its joint at both of them."""
    first, last = (np.array(start) * (1 - t) + np.array(stop) * t for t in (0.06, 0.94))
    along = (last - first) / max(float(np.hypot(*(last - first))), 1e-6)
    across = np.array((-along[1], along[0])) * width / 2
    waist = rng.uniform(0.65, 0.9) * across
    near, far = (first * (1 - t) + last * t for t in (0.3, 0.7))
    outline = [first + across, near + waist, far + waist, last + across]
    outline += [last - across, far - waist, near - waist, first - across]
    points = [tuple(map(float, point)) for point in outline]
    draw.polygon(points, fill=150)
    draw.line([*points, points[0]], fill=255, width=_OUTLINE)


def _exposed(tissue: Image.Image, bones: Image.Image, image_size: int, rng: Rng) -> Picture:
    """Turned, scaled and moved; light that falls off to one side; grain."""
    turn = rng.uniform(-40, 40)
    zoom = rng.uniform(0.75, 1.2)
    moved = tuple(rng.uniform(-25, 25, 2))
    layers = []
    for layer in (tissue, bones):
        size = round(_SIDE * zoom)
        turned = layer.rotate(turn, Image.Resampling.BICUBIC, translate=moved).resize((size, size))
        shown = Image.new("L", (_SIDE, _SIDE), 0)
        shown.paste(turned, ((_SIDE - size) // 2, (_SIDE - size) // 2))
        layers.append(np.asarray(shown, float) / 255)
    light = 1 + rng.normal(0, 0.15) * np.linspace(-1, 1, _SIDE)[:, None]
    level = (rng.uniform(0.25, 0.5) * layers[0] + rng.uniform(0.25, 0.5) * layers[1]) * light + rng.uniform(0, 0.12)
    grainy = level * 255 + rng.normal(0, rng.uniform(1, 10), level.shape)
    return _sized(Image.fromarray(np.clip(grainy, 0, 255).astype(np.uint8)), image_size)


def _sized(image: Image.Image, image_size: int) -> Picture:
    return np.asarray(image.resize((image_size, image_size), Image.Resampling.BICUBIC))


TRACED_PARTS: Mapping[str, Callable[[int, Rng], Picture]] = {
    "open_hand": open_hand,
    "two_hands": two_hands,
    "fist": fist,
    "foot_from_side": foot_from_side,
    "knees": knees,
    "bent_arm": bent_arm,
    "fetus": fetus,
}
