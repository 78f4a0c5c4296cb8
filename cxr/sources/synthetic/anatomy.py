"""The parts of a crude chest, each as a field over the picture: how much it attenuates, 0 = air.

Coordinates are the patient's: u runs across, 0 at the spine and positive towards the patient's left (the
picture's right, as a radiologist looks at it); v runs down, -1 near the chin, 1 in the abdomen. m = |u|.
Fields are float32[size, size].
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Field: TypeAlias = npt.NDArray[np.floating]
APEX_V = -0.84
HEAVY_BREATH = 0.12  # how far the domes travel between a shallow and a full breath


@dataclass(frozen=True, slots=True)
class Body:
    """What stays the same over the images of one patient; lengths in units of half the image size.

    chest: half-width of the rib cage. heart: size, 1 = normal. fat: 0 slim to 1 obese. air: how much less a
    lung attenuates than tissue. vessels: strength of the lungs' vessels. rib_phase: where the first rib lies.
    """

    sex: Literal["F", "M"]
    age: int
    chest: float
    heart: float
    fat: float
    air: float
    vessels: float
    rib_spacing: float
    rib_phase: float
    rib_droop: float
    rib_strength: float
    mediastinum: float
    spine_bend: float
    dome: float
    stomach_gas: float


def draw_body(rng: np.random.Generator) -> Body:
    """A patient; F and M are equally frequent, age 18 to 91 years."""
    return Body(
        sex="F" if rng.random() < 0.5 else "M",
        age=int(rng.integers(18, 92)),
        chest=rng.uniform(0.76, 0.88),
        heart=rng.uniform(0.82, 1.25),
        fat=rng.random(),
        air=rng.uniform(0.42, 0.62),
        vessels=rng.uniform(0.4, 1.6),
        rib_spacing=rng.uniform(0.150, 0.205),
        rib_phase=rng.random(),
        rib_droop=rng.uniform(0.16, 0.40),
        rib_strength=rng.uniform(0.07, 0.14),
        mediastinum=rng.uniform(0.11, 0.17),
        spine_bend=rng.normal(0, 0.03),
        dome=rng.uniform(0.10, 0.20),
        stomach_gas=max(0.0, rng.uniform(-0.15, 0.25)),
    )


@dataclass(frozen=True, slots=True)
class Space:
    """Where each pixel lies in the patient. u, v, m: fields. left: where u > 0. base: v of the lowest lung at
    full depth, smaller with a shallow breath."""

    u: Field
    v: Field
    m: Field
    left: npt.NDArray[np.bool_]
    base: float


def ramp(distance: Field, width: float) -> Field:
    """0 outside (distance < 0) to 1 inside, smooth over `width`."""
    t = np.clip(distance * np.float32(1 / width), 0, 1)
    return t * t * (3 - 2 * t)


def ellipse(space: Space, u: float, v: float, half_u: float, half_v: float, *, tilt: float = 0.0) -> Field:
    """1 at the centre, 0 on the outline, negative outside."""
    cos = np.float32(np.cos(tilt))
    sin = np.float32(np.sin(tilt))
    du = space.u - np.float32(u)
    dv = space.v - np.float32(v)
    along = (cos * du + sin * dv) / np.float32(half_u)
    across = (cos * dv - sin * du) / np.float32(half_v)
    return 1 - along * along - across * across


def cloud(rng: np.random.Generator, image_size: int, cells: int) -> Field:
    """Smooth noise with about `cells` bumps across the picture; mean 0, standard deviation about 0.6."""
    grid = rng.standard_normal((cells + 2, cells + 2)).astype(np.float32)
    return np.asarray(Image.fromarray(grid).resize((image_size, image_size), Image.Resampling.BICUBIC))


def chest_half_width(body: Body, v: Field) -> Field:
    """Half-width of the rib cage's inside at each height: narrow at the apex, widest near the base."""
    t = np.clip((v - APEX_V) / np.float32(1.45), 0, 1)
    return np.float32(body.chest) * np.power(t * (2 - t), np.float32(0.40))


def domes(body: Body, space: Space) -> Field:
    """v of the diaphragm over each m: a dome that falls to the costophrenic angle; the right one lies higher."""
    from_top = (space.m - np.float32(0.46 * body.chest)) / np.float32(0.54 * body.chest)
    higher = np.where(space.left, np.float32(0.0), np.float32(0.05))
    return np.float32(space.base) - np.float32(body.dome) * (1 - from_top * from_top) - higher


def lungs(body: Body, space: Space) -> Field:
    """1 in the lungs, 0 outside, with soft edges."""
    from_apex = space.v - np.float32(APEX_V)
    lateral = chest_half_width(body, space.v) - space.m
    flare = np.clip(0.24 - from_apex, 0, None)
    medial = space.m - np.float32(body.mediastinum) - flare * np.float32(0.7)
    return ramp(lateral, 0.07) * ramp(medial, 0.08) * ramp(domes(body, space) - space.v, 0.04) * ramp(from_apex, 0.08)


def heart(body: Body, space: Space) -> Field:
    """Heart and aortic knob, 0 to 1."""
    size = body.heart
    ventricle = ellipse(space, 0.15 * size, space.base - 0.24, 0.40 * size, 0.27 * size, tilt=0.55)
    atrium = ellipse(space, -0.07, space.base - 0.27, 0.20 * size, 0.25 * size)
    knob = ellipse(space, 0.11, -0.30, 0.10, 0.11)
    return np.maximum(np.maximum(ramp(ventricle, 0.35), ramp(atrium, 0.4)), ramp(knob, 0.7))


def soft_tissue(body: Body, space: Space) -> Field:
    """Chest wall, shoulders, neck and abdomen: thick in the middle, 0 in the air beside the patient."""
    shoulder = ramp(-0.30 - space.v, 0.5)
    half_width = np.float32(body.chest + 0.10 + 0.12 * body.fat) + shoulder * np.float32(0.45)
    slope = space.v + 0.98 - np.clip(space.m - 0.24, 0, None) * np.float32(0.45)
    thickness = np.sqrt(np.clip(1 - np.square(space.m / half_width), 0, 1))
    outline = ramp(half_width - space.m, 0.06) * np.maximum(ramp(slope, 0.10), ramp(0.26 - space.m, 0.06))
    abdomen = ramp(space.v - domes(body, space), 0.10) * np.float32(0.18)
    return outline * (np.float32(0.45 + 0.12 * body.fat) + thickness * np.float32(0.30) + abdomen)


def stomach_bubble(body: Body, space: Space) -> Field:
    """Gas under the left dome, 0 to 1."""
    size = max(body.stomach_gas, 1e-3)
    top = space.base - body.dome
    return ramp(ellipse(space, 0.42 * body.chest, top + 0.10 + 0.5 * size, 0.9 * size, 0.5 * size), 0.6)


def breasts(body: Body, space: Space) -> Field:
    """Two faint shadows with a sharper lower edge, 0 to 1; nothing in men."""
    if body.sex == "M":
        return np.zeros_like(space.u)
    size = np.float32(0.26 + 0.12 * body.fat)
    across = (space.m - np.float32(0.52 * body.chest)) / size
    down = (space.v - 0.22) / (size * np.where(space.v > 0.22, np.float32(0.8), np.float32(1.6)))
    return ramp(1 - across * across - down * down, 0.5)


def _bands(phase: Field) -> Field:
    """Ribs at every whole number of `phase`, with brighter edges; 0 to 1."""
    wave = np.cos(phase * np.float32(2 * np.pi))
    rib = np.clip((wave - 0.05) * 3, 0, 1)
    return rib * (1 - np.float32(0.45) * np.clip((wave - 0.45) * 3, 0, 1))


def ribs(body: Body, space: Space) -> Field:
    """Back ribs, which arch and fall sideways, and fainter front ribs, which fall towards the middle; 0 to 1."""
    half_width = np.maximum(chest_half_width(body, space.v), np.float32(0.1))
    out = space.m / half_width
    back = space.v - np.float32(body.rib_droop) * out * out * out + np.float32(0.06) * out
    front = space.v + np.float32(1.6 * body.rib_droop) * out
    spacing = np.float32(1 / body.rib_spacing)
    phase = np.float32(body.rib_phase)
    cage = ramp(1.06 - out, 0.08) * ramp(space.v - np.float32(APEX_V), 0.1) * ramp(0.85 - space.v, 0.3)
    front_part = ramp(out - 0.42, 0.2) * np.float32(0.7)
    return cage * (_bands(back * spacing + phase) + front_part * _bands(front * spacing + phase + 0.4))


def spine(body: Body, space: Space) -> Field:
    """A column of vertebrae, 0 to 1."""
    column = ramp(0.085 - np.abs(space.u - np.float32(body.spine_bend) * np.cos(2 * space.v)), 0.03)
    return column * (np.float32(0.8) + np.float32(0.2) * np.cos(space.v * np.float32(2 * np.pi / 0.13)))


def airway(space: Space) -> Field:
    """Trachea and main bronchi, 0 to 1."""
    below = np.clip(space.v + 0.25, 0, None)
    split = np.abs(space.m - below * np.float32(0.9))
    return ramp(0.05 - split, 0.04) * ramp(-0.08 - space.v, 0.1)


def clavicles(body: Body, space: Space) -> Field:
    """Two slender S, 0 to 1."""
    line = np.float32(-0.56) - np.float32(0.22) * space.m + np.float32(0.035) * np.sin(space.m * 7)
    thick = np.float32(0.040) + np.float32(0.015) * space.m
    inside = ramp(space.m - 0.07, 0.03) * ramp(np.float32(body.chest + 0.05) - space.m, 0.1)
    return inside * ramp(1 - np.abs(space.v - line) / thick, 0.4)


def shoulder_blades(body: Body, space: Space, over_lung: float) -> Field:
    """Two faint plates beside the lungs; `over_lung` moves them inwards, as in a picture from the front."""
    plate = space.m - np.float32(body.chest - over_lung) + np.float32(0.25) * space.v
    return ramp(plate, 0.05) * ramp(0.10 - space.v, 0.15) * ramp(space.v + 0.62, 0.1)
