"""What a chest may show: COVID's ground glass, and what other patients have, to keep the task from being trivial.

`ground_glass` and `consolidation` give float32[size, size], the part of the lung's air that is replaced: 0 to
about 0.8 for a dense opacity.
"""

from dataclasses import dataclass

import numpy as np

from cxr.sources.synthetic.anatomy import APEX_V, Body, Field, Space, chest_half_width, cloud, ellipse, ramp

# How much of the lung's air an opacity replaces, in the faintest and in the strongest patient, of both classes: the
# amount of haze must not tell the label, its place and its texture should.
FAINTEST = 0.45
STRONGEST = 0.80
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
    """Three to six peripheral patches, nine times in ten on both sides, mostly in the lower zones."""
    severity = rng.uniform(FAINTEST, STRONGEST)
    first = 1 if rng.random() < 0.5 else -1
    signs = [first, -first if rng.random() < 0.9 else first]
    signs += [int(sign) for sign in rng.choice((-1, 1), rng.integers(1, 5))]
    return [
        Patch(sign, rng.uniform(0.76, 0.95), rng.triangular(-0.20, 0.35, 0.55), rng.uniform(0.20, 0.36), severity)
        for sign in signs
    ]


def draw_other_findings(rng: np.random.Generator) -> list[Patch]:
    """For patients without COVID: central consolidations, a nodule, or nothing."""
    kind = rng.choice(("none", "consolidation", "nodule"), p=(0.09, 0.84, 0.07))
    sign = 1 if rng.random() < 0.5 else -1
    if kind == "consolidation":
        severity = rng.uniform(FAINTEST, STRONGEST)
        signs = [sign, -sign][: rng.integers(1, 3)]
        return [
            Patch(s, rng.uniform(0.25, 0.45), rng.uniform(-0.45, 0.1), rng.uniform(0.18, 0.34), severity) for s in signs
        ]
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
        haze = np.maximum(haze, np.float32(patch.strength) * ramp(_outline(body, space, patch, 0.7), 0.8))
    mottle = np.float32(0.25) * (cloud(rng, len(haze), 26) + cloud(rng, len(haze), 45))
    return haze * np.clip(1 + mottle, 0.1, 1.9)


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
