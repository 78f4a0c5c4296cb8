"""A synthetic frontal chest radiograph, a pure function of three numbers; crude, but a chest.

Each picture adds up what the parts of a body attenuate (anatomy, findings, overlay) and then passes an exposure
that levels its brightness and contrast, so that neither tells the class. What does: hazy, mottled patches near
the chest wall, mostly low and on both sides. Other patients may have a dense central consolidation or a nodule.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from cxr.sources.synthetic import anatomy, findings, overlay
from cxr.sources.synthetic.anatomy import Body, Field, Space

VIEWS = ("PA", "AP", "AP Supine")
_VIEW_SHARES = (0.5, 0.3, 0.2)  # of both classes alike: the view must not tell the label


@dataclass(frozen=True, slots=True)
class Shot:
    """What changes from one image of a patient to the next. Angle in radians, lengths in half image sizes.

    breath: 0 shallow to 1 full. gamma: of the film. low, high: grey levels, 0 to 1, of the window's ends.
    noise: standard deviation in grey levels. blur: radius as a part of the image size.
    """

    view: str
    angle: float
    shift: tuple[float, float]
    zoom: float
    breath: float
    gamma: float
    low: float
    high: float
    noise: float
    blur: float


def draw_shot(rng: np.random.Generator) -> Shot:
    return Shot(
        view=str(rng.choice(VIEWS, p=_VIEW_SHARES)),
        angle=rng.normal(0, 0.035),
        shift=(rng.normal(0, 0.02), rng.normal(0, 0.02)),
        zoom=rng.uniform(0.96, 1.06),
        breath=rng.random(),
        gamma=rng.uniform(0.85, 1.2),
        low=rng.uniform(0.02, 0.14),
        high=rng.uniform(0.80, 0.96),
        noise=rng.uniform(0.01, 0.035),
        blur=rng.uniform(0.001, 0.006),
    )


class Draw(IntEnum):
    """What a stream of random numbers is for: a draw added to one leaves the others as they were."""

    BODY = 0
    SHOT = 1
    BEND = 2
    FINDINGS = 3
    TEXTURE = 4
    FILM = 5
    RECORD = 6


def stream(seed: int, patient: int, draw: Draw, part: int = 0) -> np.random.Generator:
    """part: the image, or whatever else tells streams of one purpose apart."""
    return np.random.default_rng((seed, patient, int(draw), part))


def body_of(seed: int, patient: int) -> Body:
    return anatomy.draw_body(stream(seed, patient, Draw.BODY))


def shot_of(seed: int, patient: int, image: int) -> Shot:
    return draw_shot(stream(seed, patient, Draw.SHOT, image))


def finding_of(seed: int, patient: int, *, covid: bool) -> str:
    if covid:
        return "COVID-19"
    return findings.name_of(findings.draw_other_findings(stream(seed, patient, Draw.FINDINGS)))


def radiograph(seed: int, patient: int, image: int, *, image_size: int, covid: bool) -> npt.NDArray[np.uint8]:
    """uint8[size, size], 0 black (air) to 255 white (bone), for any image_size from 32 pixels on.

    The same (seed, patient) is the same person: anatomy and findings stay, `image` changes pose, breath and
    exposure. `covid` exchanges the person's findings and nothing else, so the two pictures can be compared.
    """
    body = body_of(seed, patient)
    shot = shot_of(seed, patient, image)
    space = _space(stream(seed, patient, Draw.BEND), shot, image_size)
    haze = _findings(seed, patient, body, space, covid)
    attenuation = _attenuation(stream(seed, patient, Draw.TEXTURE), body, shot, space, haze)
    return _expose(stream(seed, patient, Draw.FILM, image), attenuation, shot)


@lru_cache(maxsize=4)
def _axis(image_size: int) -> Field:
    """Pixel centres, -1 to 1."""
    return ((np.arange(image_size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / image_size) - 1).astype(
        np.float32
    )


def _space(rng: np.random.Generator, shot: Shot, image_size: int) -> Space:
    """Undo the pose, then bend space a little, so that no outline is a plain formula; alike in all of a patient's
    images."""
    x = _axis(image_size)[None, :] - np.float32(shot.shift[0])
    y = _axis(image_size)[:, None] - np.float32(shot.shift[1])
    cos = np.float32(np.cos(shot.angle) / shot.zoom)
    sin = np.float32(np.sin(shot.angle) / shot.zoom)
    bend = np.float32(0.022)
    u = cos * x + sin * y + bend * anatomy.cloud(rng, image_size, 5)
    v = cos * y - sin * x + bend * anatomy.cloud(rng, image_size, 5)
    base = 0.76 - anatomy.HEAVY_BREATH * (1 - shot.breath) - (0.06 if shot.view == "AP Supine" else 0)
    return Space(u, v, np.abs(u), u > 0, base)


def _place(shot: Shot) -> overlay.Place:
    cos = np.cos(shot.angle) * shot.zoom
    sin = np.sin(shot.angle) * shot.zoom
    return lambda u, v: (cos * u - sin * v + shot.shift[0], sin * u + cos * v + shot.shift[1])


def _findings(seed: int, patient: int, body: Body, space: Space, covid: bool) -> Field:
    rng = stream(seed, patient, Draw.FINDINGS, int(covid))
    if covid:
        return findings.ground_glass(rng, body, space, findings.draw_ground_glass(rng))
    return findings.consolidation(rng, body, space, findings.draw_other_findings(rng))


def _attenuation(rng: np.random.Generator, body: Body, shot: Shot, space: Space, haze: Field) -> Field:
    image_size = len(space.u)
    lung = anatomy.lungs(body, space)
    heart = anatomy.heart(body, space)
    tree = overlay.vessels(rng, image_size, _place(shot))
    air = lung * np.float32(body.air) * (1 - np.float32(0.85) * heart) * (1 - haze)
    blades = anatomy.shoulder_blades(body, space, 0.05 if shot.view == "PA" else 0.22)
    bones = (
        np.float32(body.rib_strength) * anatomy.ribs(body, space)
        + np.float32(0.16) * anatomy.spine(body, space)
        + np.float32(0.15) * anatomy.clavicles(body, space)
        + np.float32(0.05) * blades
    )
    soft = anatomy.soft_tissue(body, space) + np.float32(0.06) * anatomy.breasts(body, space)
    gas = np.float32(0.25) * anatomy.stomach_bubble(body, space) * (1 - lung) + np.float32(0.12) * anatomy.airway(space)
    texture = np.float32(0.012) * anatomy.cloud(rng, image_size, 40) + np.float32(0.03) * anatomy.cloud(
        rng, image_size, 6
    )
    body_mask = np.clip(soft * 4, 0, 1)
    inside = soft + bones - air - gas + np.float32(0.16 * body.vessels) * tree * lung + texture
    return body_mask * inside + np.float32(0.5) * overlay.devices(rng, image_size, _place(shot))


def _expose(rng: np.random.Generator, attenuation: Field, shot: Shot) -> npt.NDArray[np.uint8]:
    """Window to the picture's own range, as an automatic exposure does; then film, blur, noise, and the mark."""
    dark, bright = np.percentile(attenuation[::3, ::3], (4, 97))
    level = np.clip((attenuation - dark) * np.float32(1 / (bright - dark)), 0, 1) ** np.float32(shot.gamma)
    grey = np.float32(shot.low) + np.float32(shot.high - shot.low) * level
    image_size = len(grey)
    film = Image.fromarray((grey * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(shot.blur * image_size))
    noise = rng.standard_normal((image_size, image_size), dtype=np.float32) * np.float32(shot.noise * 255)
    noisy = np.asarray(film, dtype=np.float32) + noise
    mark = overlay.synthetic_mark(image_size)
    return np.clip(noisy * (1 - mark) + 255 * mark, 0, 255).astype(np.uint8)
