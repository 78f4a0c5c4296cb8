"""Teaching the gate, choosing its threshold on validation patients, and measuring it on test patients.

Every picture is shown in many distorted versions; what no collection brings (inverted, turned, partial pictures,
drawings, photographs) is made on the way, on each side of the split from that side's own pictures.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from cxr.distortion import DistortionParams, distorted
from cxr.gate import FRONTAL, KINDS, Gate, Kind, thumbnails
from cxr.gate_material import Material
from cxr.gate_pictures import PHOTOS_TO_LEARN, drawings, photos
from cxr.images import resize
from cxr.params import Within

SIDE = 96  # of the pictures that are distorted: fine enough for a thumbnail of a third
_FRAMED = 0.15  # of the pictures get a white or black frame on some sides, as collimation and scanners leave
_WIDEST_FRAME = 0.15
COLLECTED: tuple[Kind, ...] = ("ct", "lateral")
_PHOTO_SHARE = 0.25  # of the pictures that are no X-ray
_SHUFFLED_SHARE = 0.2

Rng = np.random.Generator


@dataclass(frozen=True)
class GateParams:
    """networks: whose mean decides; one alone moves with its seed. hidden: units of each. versions: pictures of each
    kind shown, distorted versions of fewer; frontal ones twice as many. false_refusals: the highest share of the
    validation patients' frontal pictures that may be refused; a quantile of few pictures lies above its nominal
    value half of the time, so ask for less than what has to hold. folds: of the cross-validation over the few
    patients with a CT slice or a lateral view."""

    networks: Annotated[int, Within(1, 100)]
    hidden: Annotated[int, Within(1, 4096)]
    epochs: Annotated[int, Within(1, 10_000)]
    weight_decay: Annotated[float, Within(0, 10)]
    versions: Annotated[int, Within(10, 1_000_000)]
    false_refusals: Annotated[float, Within(0, 0.5)]
    folds: Annotated[int, Within(2, 20)]
    seed: Annotated[int, Within(0, 2**31 - 1)]
    distortion: DistortionParams


def train_gate(material: Material, params: GateParams) -> Gate:
    """Learn from the material's training patients, choose the threshold by the frontal pictures of its validation
    patients. Kinds without a picture (phantoms have no lateral views) are not learned."""
    frontal = _small(material.of(FRONTAL, "train"))
    views = {kind: _small(material.of(kind, "train")) for kind in COLLECTED}
    pictures, kinds = lessons(frontal, {kind: some for kind, some in views.items() if len(some)}, params)
    gate = _fitted(thumbnails(pictures), kinds, params)
    odds, _ = gate.judge(material.of(FRONTAL, "validation").pictures)
    return Gate(gate.kinds, gate.hidden, gate.output, threshold_for(odds, params.false_refusals))


def threshold_for(odds: np.ndarray, false_refusals: float) -> float:
    """The highest threshold below which at most this share of the frontal pictures' log odds lies, and at most 0.

    What is likelier frontal than not always passes: the lowest odds of a few validation pictures may be far above
    those of the next frontal picture.
    """
    ranked = np.sort(odds)
    return min(0.0, float(ranked[int(np.floor(false_refusals * len(ranked)))]))


def _small(material: Material) -> Material:
    shrunk = [resize(picture, SIDE) for picture in material.pictures]
    pictures = np.array(shrunk, np.uint8).reshape(-1, SIDE, SIDE)
    return Material(pictures, material.kinds, material.sources, material.patients, material.sides)


def _fitted(inputs: np.ndarray, kinds: list[Kind], params: GateParams) -> Gate:
    """The mean of several networks of one hidden layer each, which is one such network with all their units; its
    threshold is yet to be chosen."""
    present = tuple(kind for kind in KINDS if kind in set(kinds))
    numbers = [present.index(kind) for kind in kinds]
    members = [_network(inputs, numbers, params, params.seed + i) for i in range(params.networks)]
    hidden = np.concatenate([weights[0] for weights, _ in members], axis=1)
    output = np.concatenate([weights[1] for weights, _ in members]) / len(members)
    hidden_bias = np.concatenate([biases[0] for _, biases in members])
    output_bias = np.mean([biases[1] for _, biases in members], axis=0)
    return Gate(present, (hidden, hidden_bias), (output, output_bias), 0.0)


def _network(
    inputs: np.ndarray, numbers: list[int], params: GateParams, seed: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Weights and biases of both layers, trained with Adam (Kingma & Ba 2015). numbers: the kind of each input."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(
        (params.hidden,),
        alpha=params.weight_decay,
        batch_size=min(256, len(numbers)),
        max_iter=params.epochs,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it stops after so many epochs on purpose
        network.fit(inputs, numbers)
    return network.coefs_, network.intercepts_


def lessons(frontal: Material, views: dict[Kind, Material], params: GateParams) -> tuple[np.ndarray, list[Kind]]:
    """uint8[n, SIDE, SIDE] and the kind of each: `params.versions` of each kind, frontal ones twice as many.

    views: what there is of CT slices and lateral views, none of them empty.
    """
    rng, count = np.random.default_rng(params.seed), params.versions

    def distort(picture: np.ndarray) -> np.ndarray:
        return _framed(distorted(picture, params.distortion, rng), rng)

    chosen = _balanced(frontal.sources, 4 * count, rng)
    parts: dict[Kind, list[np.ndarray]] = {
        FRONTAL: [distort(frontal.pictures[i]) for i in chosen[: 2 * count]],
        "inverted": [255 - distort(frontal.pictures[i]) for i in chosen[2 * count : 3 * count]],
        "misplaced": [misplaced(distort(frontal.pictures[i]), rng) for i in chosen[3 * count :]],
        "other": list(_no_xrays(frontal.pictures, count, rng)),
    }
    for kind, some in views.items():
        parts[kind] = [distort(some.pictures[i % len(some)]) for i in range(count)]
    kinds = [kind for kind, pictures in parts.items() for _ in pictures]
    return np.stack([picture for pictures in parts.values() for picture in pictures]), kinds


def _balanced(sources: np.ndarray, count: int, rng: Rng) -> np.ndarray:
    """`count` positions, each source as often as any other: a large one must not set the standard alone."""
    names = sorted(set(sources))
    picked = [rng.choice(np.flatnonzero(sources == name), count // len(names) + 1) for name in names]
    return rng.permutation(np.concatenate(picked))[:count]


def _framed(picture: np.ndarray, rng: Rng) -> np.ndarray:
    if rng.random() > _FRAMED:
        return picture
    side = len(picture)
    top, bottom, left, right = rng.integers(0, int(_WIDEST_FRAME * side) + 1, 4)
    framed = np.full_like(picture, rng.choice([0, 255]))
    framed[top : side - bottom, left : side - right] = picture[top : side - bottom, left : side - right]
    return framed


def misplaced(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """A frontal uint8[side, side] turned by a quarter, a half or three quarters, or a part of it that is no chest."""
    way = int(rng.integers(0, 4))
    return np.ascontiguousarray(np.rot90(picture, way)) if way else part_of(picture, rng)


def part_of(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Between a quarter and two fifths of the side, stretched to the whole."""
    side = len(picture)
    size = int(rng.uniform(0.25, 0.4) * side)
    top, left = rng.integers(0, side - size, 2)
    return resize(np.ascontiguousarray(picture[top : top + size, left : left + size]), side)


def shuffled(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """The parts of an X-ray in another order: its texture without its layout."""
    cells, side = int(rng.integers(3, 6)), len(picture)  # 2 x 2 may look like a chest again
    size = side // cells
    order = rng.permutation(cells * cells)
    tiles = [picture[i // cells * size :, i % cells * size :][:size, :size] for i in order]
    rows = [np.concatenate(tiles[start : start + cells], axis=1) for start in range(0, len(tiles), cells)]
    return resize(np.ascontiguousarray(np.concatenate(rows)), side)


def _no_xrays(frontal: np.ndarray, count: int, rng: Rng) -> np.ndarray:
    pictured, mixed = int(count * _PHOTO_SHARE), int(count * _SHUFFLED_SHARE)
    drawn, _ = drawings(SIDE, count - pictured - mixed, rng)
    mixtures = [shuffled(frontal[i], rng) for i in rng.integers(0, len(frontal), mixed)]
    return np.concatenate([drawn, photos(PHOTOS_TO_LEARN, SIDE, pictured, rng), *(m[None] for m in mixtures)])
