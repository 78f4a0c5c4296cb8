"""What a chest may show: COVID's ground glass, and what other patients have, to keep the task from being trivial.

Every function gives float32[side, side], the part of the lung's air that is replaced, 0 to about 0.8.
"""

from dataclasses import dataclass

import numpy as np

from cxr.sources.anatomy import APEX_V, Body, Field, Space, chest_half_width, cloud, ellipse, ramp

# Ground glass as a share of the lung's air: the faintest and the strongest patient.
FAINTEST, STRONGEST = 0.28, 0.62
NODULE_SIZE = 0.1  # half-height that a nodule stays below and a consolidation exceeds


@dataclass(frozen=True, slots=True)
class Patch:
    """One soft-edged opacity. side_sign: -1 the patient's right, 1 left. out: 0 spine to 1 chest wall. v: height.
    size: half-height. strength: share of the lung's air replaced at the centre."""

    side_sign: int
    out: float
    v: float
    size: float
    strength: float


def draw_ground_glass(rng: np.random.Generator) -> list[Patch]:
    """Two to six peripheral patches, mostly bilateral and in the lower zones, of one patient's severity."""
    severity = rng.uniform(FAINTEST, STRONGEST)
    first = 1 if rng.random() < 0.5 else -1
    bilateral = rng.random() < 0.8
    signs = [first] + [int(rng.choice((first, -first))) if bilateral else first for _ in range(rng.integers(1, 5))]
    if bilateral:
        signs[1] = -first
    return [
        Patch(sign, rng.uniform(0.72, 0.95), rng.triangular(-0.45, 0.2, 0.4), rng.uniform(0.12, 0.24), severity)
        for sign in signs
    ]


def draw_other_findings(rng: np.random.Generator) -> list[Patch]:
    """For patients without COVID: nothing, a central consolidation, or a nodule."""
    kind = rng.choice(("none", "consolidation", "nodule"), p=(0.45, 0.35, 0.20))
    sign = 1 if rng.random() < 0.5 else -1
    if kind == "consolidation":
        return [Patch(sign, rng.uniform(0.30, 0.45), rng.uniform(-0.35, 0.2), rng.uniform(0.14, 0.26), 0.7)]
    if kind == "nodule":
        return [Patch(sign, rng.uniform(0.35, 0.9), rng.uniform(-0.5, 0.3), rng.uniform(0.04, 0.07), 0.8)]
    return []


def name_of(patches: list[Patch]) -> str:
    """The finding of a patient without COVID, in words."""
    if not patches:
        return "No Finding"
    return "Consolidation" if patches[0].size > NODULE_SIZE else "Nodule"


def ground_glass(rng: np.random.Generator, body: Body, space: Space, patches: list[Patch]) -> Field:
    """Haze with a fine mottle, each patch stretched along the chest wall."""
    haze = np.zeros_like(space.u)
    for patch in patches:
        haze = np.maximum(haze, np.float32(patch.strength) * ramp(_outline(body, space, patch, 0.6), 0.8))
    mottle = cloud(rng, len(haze), 26)
    return haze * np.clip(1 + np.float32(0.55) * mottle, 0.1, 1.9)


def consolidation(rng: np.random.Generator, body: Body, space: Space, patches: list[Patch]) -> Field:
    """Dense and even, with a ragged outline if it is large."""
    dense = np.zeros_like(space.u)
    ragged = cloud(rng, len(dense), 7) * np.float32(0.35)
    for patch in patches:
        outline = _outline(body, space, patch, 1.0) + (ragged if patch.size > NODULE_SIZE else 0)
        dense = np.maximum(dense, np.float32(patch.strength) * ramp(outline, 0.6))
    return dense


def _outline(body: Body, space: Space, patch: Patch, width: float) -> Field:
    """As `ellipse`; width: of the patch, as a part of its height."""
    height = np.float32(max(patch.v, APEX_V + 0.1))
    u = patch.side_sign * patch.out * float(chest_half_width(body, np.asarray(height)))
    return ellipse(space, u, patch.v, patch.size * width, patch.size, tilt=-0.15 * patch.side_sign)
