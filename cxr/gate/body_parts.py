"""Body parts that are no chest, drawn from formulas: limbs, hands, feet, a joint, a skull, a pelvis, and an ultrasound
picture. Crude, as the phantoms are: what a thumbnail shows of them is right.

Each function gives uint8[size, size] from a random generator, in a pose, a size and an exposure of its own.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from cxr.gate.limbs import Field, Grid, Point, Rng, cloud, film, hollow, joined, oval, ramp, rod, shell

Picture = npt.NDArray[np.uint8]
_BONE = 0.55  # a bone's attenuation beside that of the tissue around it, 0.5 to 1.5 of it
_BOTH_SIDES = 0.2


def hand(image_size: int, rng: Rng, *, fingers: int = 4, thumb: bool = True) -> Picture:
    """From the palm's side, the fingers up, spread or closed, with the wrist below."""
    grid = Grid.posed(image_size, rng, turn=0.5, zoom=(0.75, 1.25))
    bone = _bone(rng)
    tissue: list[Field] = [oval(grid, (0, 0.18), (0.36, 0.38)), rod(grid, (0, 0.4), (0, 1.5), 0.27)]
    bones: list[Field] = [oval(grid, (rng.normal(0, 0.12), rng.uniform(0.42, 0.58)), (0.09, 0.08)) for _ in range(6)]
    bones += [hollow(grid, (sign * 0.11, 0.68), (sign * 0.13, 1.6), 0.085) for sign in (-1, 1)]
    spread = rng.uniform(0.02, 0.3)
    places = np.linspace(-1, 1, fingers)
    rays = [(0.27 * place, place * spread, rng.uniform(0.62, 0.8) - 0.13 * place**2) for place in places]
    for x, angle, length in rays:
        _ray(grid, (0.45 * x, 0.38), (x, -0.08), angle, length, tissue, bones)
    if thumb:
        _ray(grid, (-0.16, 0.4), (-0.42, 0.16), rng.uniform(-0.9, -0.4), 0.42, tissue, bones)
    return film(_seen(tissue, bones, bone), rng)


def _ray(
    grid: Grid, root: Point, knuckle: Point, angle: float, length: float, tissue: list[Field], bones: list[Field]
) -> None:
    """A finger or a toe with its bone in the palm or the sole. angle: from straight up, radians."""
    bones.append(hollow(grid, root, knuckle, 0.048))
    end = knuckle
    for share, radius in ((0.45, 0.042), (0.3, 0.036), (0.25, 0.03)):
        start = end
        end = (start[0] + np.sin(angle) * share * length, start[1] - np.cos(angle) * share * length)
        gap = 0.08
        first = (start[0] + gap * (end[0] - start[0]), start[1] + gap * (end[1] - start[1]))
        bones.append(hollow(grid, first, end, radius))
    tissue.append(rod(grid, knuckle, end, 0.105, taper=0.8))


def foot(image_size: int, rng: Rng) -> Picture:
    """From above: five rays with short toes, and the ankle's bones as one bright mass."""
    grid = Grid.posed(image_size, rng, turn=0.5, zoom=(0.8, 1.3))
    tissue: list[Field] = [rod(grid, (0, -0.1), (0.02, 0.75), 0.36, taper=0.75)]
    bones: list[Field] = [oval(grid, (0, 0.72), (0.17, 0.28)), oval(grid, (-0.02, 0.42), (0.2, 0.18))]
    bones += [oval(grid, (x, 0.26), (0.085, 0.09)) for x in (-0.18, -0.05, 0.08, 0.19)]
    for i, x in enumerate(np.linspace(-0.28, 0.28, 5)):
        length = 0.42 - 0.06 * i + rng.uniform(-0.03, 0.03)
        _ray(grid, (0.75 * x, 0.2), (x, -0.32 + 0.06 * i), 0.3 * x, length, tissue, bones)
    return film(_seen(tissue, bones, _bone(rng)), rng)


def ankle(image_size: int, rng: Rng) -> Picture:
    """A foot from the side: a shin that meets the heel and a wedge down to the toes."""
    grid = Grid.posed(image_size, rng, turn=0.6, zoom=(0.7, 1.2))
    toes = (0.85, rng.uniform(0.5, 0.8))
    wide = rng.uniform(0.2, 0.3)
    tissue: list[Field] = [
        rod(grid, (-0.25, -1.8), (-0.28, 0.3), wide),
        rod(grid, (-0.45, 0.5), toes, 0.25, taper=0.45),
    ]
    bones: list[Field] = [oval(grid, (-0.5, 0.5), (0.26, 0.15), -0.5), oval(grid, (-0.22, 0.3), (0.2, 0.13), 0.3)]
    bones += [hollow(grid, (x, -1.8), (x, 0.12), 0.4 * wide) for x in (-0.3, -0.2)]
    bones += [oval(grid, (x, 0.42 + 0.3 * x), (0.1, 0.12)) for x in (0.0, 0.14)]
    for drop in rng.uniform(-0.06, 0.1, 3):
        bones.append(hollow(grid, (0.2, 0.45 + drop), (0.62, 0.4 + 0.3 * toes[1] + drop), 0.05))
    return film(_seen(tissue, bones, _bone(rng)), rng)


def long_bone(image_size: int, rng: Rng) -> Picture:
    """An upper arm or a thigh with one bone, a forearm or a shin with two, from edge to edge at any angle."""
    grid = Grid.posed(image_size, rng, turn=1.5, zoom=(0.7, 1.4))
    wide = rng.uniform(0.28, 0.6)
    tissue: list[Field] = [rod(grid, (0, -2), (0, 2), wide, taper=rng.uniform(0.6, 1.2))]
    ends = (-rng.uniform(0.5, 1.8), rng.uniform(0.5, 1.8))
    places = (0.0,) if rng.random() < 0.5 else (-0.42 * wide, 0.42 * wide)
    bones: list[Field] = [hollow(grid, (x, ends[0]), (0.8 * x, ends[1]), rng.uniform(0.15, 0.3) * wide) for x in places]
    return film(_seen(tissue, bones, _bone(rng)), rng)


def joint(image_size: int, rng: Rng) -> Picture:
    """An elbow or a knee: two limbs that meet at any angle from straight to sharply bent."""
    grid = Grid.posed(image_size, rng, turn=1.0, zoom=(0.7, 1.3))
    bend = rng.uniform(0, 1.8)
    far = (2 * np.sin(bend), 2 * np.cos(bend))
    wide = rng.uniform(0.28, 0.45)
    tissue: list[Field] = [rod(grid, (0, -2), (0, 0), 1.1 * wide), rod(grid, (0, 0), far, wide, taper=0.7)]
    upper = hollow(grid, (0, -2), (0, -0.1), 0.36 * wide)
    condyles = oval(grid, (0, -0.05), (0.75 * wide, 0.3 * wide))
    apart = 0.3 * wide
    across = (np.cos(bend) * apart, -np.sin(bend) * apart)
    lower: list[Field] = []
    for sign in (-1, 1):
        start = (sign * across[0] + 0.08 * far[0], sign * across[1] + 0.08 * far[1])
        lower.append(hollow(grid, start, (far[0] + sign * across[0], far[1] + sign * across[1]), 0.25 * wide))
    return film(_seen(tissue, [upper, condyles, *lower], _bone(rng)), rng)


def skull(image_size: int, rng: Rng) -> Picture:
    """From the front or from the side: a vault with a bright rim, a dense base, air in the nose, jaw and neck."""
    grid = Grid.posed(image_size, rng, turn=0.15, zoom=(0.8, 1.25))
    from_side = rng.random() < 0.5
    half = (0.72, 0.6) if from_side else (0.58, 0.66)
    tissue = joined(oval(grid, (0, -0.15), half), rod(grid, (0.1, 0.4), (0.05, 1.6), 0.33))
    vault = shell(grid, (0, -0.18), (half[0] - 0.05, half[1] - 0.05), rng.uniform(0.05, 0.09))
    base = oval(grid, (-0.15 if from_side else 0, 0.22), (0.45, 0.16))
    spine = rod(grid, (0.18 if from_side else 0, 0.4), (0.12 if from_side else 0, 1.6), 0.11)
    jaw_at = (-0.42, 0.62) if from_side else (0.0, 0.62)
    jaw = shell(grid, jaw_at, (0.26, 0.22), 0.1)
    sockets = ((-0.5, 0.12),) if from_side else ((-0.22, 0.1), (0.22, 0.1), (0.0, 0.3))
    air = joined(*(oval(grid, at, (0.15, 0.14)) for at in sockets))
    bones = joined(vault, np.float32(0.8) * base, np.float32(0.7) * spine, np.float32(0.7) * jaw)
    return film(np.clip(tissue * 0.5 + np.float32(_bone(rng)) * bones - np.float32(0.3) * air, 0, None), rng)


def pelvis(image_size: int, rng: Rng) -> Picture:
    """Two wings, the sacrum between them, two holes below and two thighs, in a belly that fills the picture."""
    grid = Grid.posed(image_size, rng, turn=0.12, zoom=(0.8, 1.2))
    wide = rng.uniform(0.85, 1.15)
    belly = joined(rod(grid, (0, -2), (0, 0.5), wide), *(rod(grid, (s * 0.5, 0.3), (s * 0.5, 2), 0.5) for s in (-1, 1)))
    parts: list[Field] = [rod(grid, (0, -1.5), (0, -0.35), 0.14), oval(grid, (0, -0.2), (0.2, 0.32))]
    for sign in (-1, 1):
        parts.append(
            shell(grid, (sign * 0.5, -0.28), (0.32, 0.36), 0.1) + 0.3 * oval(grid, (sign * 0.5, -0.3), (0.3, 0.34))
        )
        parts.append(shell(grid, (sign * 0.22, 0.4), (0.2, 0.18), 0.09))
        parts.append(oval(grid, (sign * 0.62, 0.2), (0.15, 0.15)))
        parts.append(hollow(grid, (sign * 0.78, 0.32), (sign * 0.62, 2), 0.12))
    gas = np.float32(0.12) * ramp(cloud(rng, image_size, 7) - 0.8, 0.5)
    return film(np.clip(0.5 * belly + np.float32(_bone(rng)) * joined(*parts) - gas * (belly > 0), 0, None), rng)


def ultrasound(image_size: int, rng: Rng) -> Picture:
    """A fan or a strip of speckle on black; in it dark fluid, and often bright rings: the head of an unborn child."""
    y, x = np.mgrid[-1 : 1 : image_size * 1j, -1 : 1 : image_size * 1j].astype(np.float32)
    scale = np.float32(np.exp(rng.normal(0, 0.25)))
    grid = Grid(x * scale - np.float32(rng.normal(0, 0.1)), y * scale - np.float32(rng.normal(0, 0.15)))
    inside, depth = _beam(grid, rng)
    fall = rng.normal(0, 0.3)
    waves = rng.uniform(0, 0.3) * np.sin(depth * rng.uniform(3, 25) + rng.uniform(0, 6))
    clouds = rng.uniform(0.05, 0.3) * cloud(rng, image_size, int(rng.integers(3, 12)))
    echo = (rng.uniform(0.25, 0.6) + clouds + waves + fall * (depth - 1)).astype(np.float32)
    for _ in range(int(rng.integers(0, 4))):
        fluid = oval(grid, _somewhere(rng), tuple(rng.uniform(0.1, 0.7, 2)), rng.normal(0, 0.6))
        echo = echo * (1 - np.float32(rng.uniform(0.6, 1)) * ramp(fluid, rng.uniform(0.1, 0.6)))
    for _ in range(int(rng.integers(0, 4))):
        half = tuple(rng.uniform(0.08, 0.5, 2))
        echo = echo + np.float32(rng.uniform(0.2, 0.8)) * shell(grid, _somewhere(rng), half, rng.uniform(0.02, 0.07))
    speckle = rng.gamma(rng.uniform(1.5, 6), size=(image_size, image_size))
    grey = np.clip(echo * speckle / speckle.mean(), 0, 1) ** rng.uniform(0.6, 1.4) * inside
    picture = Image.fromarray((grey * rng.uniform(120, 255)).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.002, 0.015) * image_size)))


def _beam(grid: Grid, rng: Rng) -> tuple[npt.NDArray[np.bool_], Field]:
    """Where a probe sees, and how deep: a fan, or the strip of a flat probe."""
    if rng.random() < 0.2:
        depth = grid.y + 1
        return (np.abs(grid.x) < rng.uniform(0.5, 0.95)) & (depth > 0.1) & (depth < rng.uniform(1.2, 1.9)), depth
    apex = np.float32(rng.uniform(0.4, 1.5))  # above the middle
    depth = np.hypot(grid.x, grid.y + apex)
    angle = np.arctan2(grid.x, grid.y + apex)
    near, far = rng.uniform(0, 0.5), apex + rng.uniform(0.5, 1.1)
    return (np.abs(angle) < rng.uniform(0.4, 0.95)) & (depth > near) & (depth < far), depth


def _somewhere(rng: Rng) -> Point:
    return (float(rng.normal(0, 0.35)), float(rng.normal(0, 0.4)))


def _of_both_sides(draw: Callable[[int, Rng], Picture], image_size: int, rng: Rng) -> Picture:
    """One, or a fifth of the time two side by side, the second mirrored."""
    one = draw(image_size, rng)
    if rng.random() > _BOTH_SIDES:
        return one
    half = np.asarray(Image.fromarray(one).resize((image_size // 2, image_size)))
    other = np.asarray(Image.fromarray(one[:, ::-1]).resize((image_size - image_size // 2, image_size)))
    return np.concatenate([half, other], axis=1)


def _bone(rng: Rng) -> float:
    return _BONE * float(rng.uniform(0.5, 1.5))


def _seen(tissue: list[Field], bones: list[Field], bone: float) -> Field:
    return np.float32(0.5) * joined(*tissue) + np.float32(bone) * joined(*bones)


BODY_PARTS: Mapping[str, Callable[[int, Rng], Picture]] = {
    "hand": partial(_of_both_sides, hand),
    "foot": partial(_of_both_sides, foot),
    "ankle": partial(_of_both_sides, ankle),
    "long_bone": partial(_of_both_sides, long_bone),
    "joint": partial(_of_both_sides, joint),
    "skull": skull,
    "pelvis": pelvis,
    "ultrasound": ultrasound,
}
