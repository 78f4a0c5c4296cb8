"""What the project says about one picture: a class, a refusal, and what to be warned of. Knows no web framework.

The words are those of clients/texts.json (a test compares them), so that every client says the same.
"""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from cxr.engine import Engine
from cxr.images import resize
from cxr.labels import CLASSES, COVID_INDEX

State = Literal["COVID", "NonCOVID", "Refused"]

WARNINGS = {
    "shortcut_flagged": "The audit found that this model can tell where a picture came from. Its answer may reflect "
    "the source of the picture rather than disease.",
    "near_threshold": "This answer is close to the threshold. A slightly different picture could change it.",
}
REFUSALS = {"blank": "The picture is blank or has almost no contrast. Choose another one."}

NEAR_LOG_ODDS = 0.4  # a factor of 1.5 in the odds, whatever the threshold is: 0.40 to 0.60 around 0.5
BLANK_RANGE = 8  # grey levels between the 1st and the 99th percentile that any picture of something exceeds
TOWARDS_COVID = (217, 95, 2)  # orange and blue: told apart by people who do not tell red from green
AWAY_FROM_COVID = (33, 102, 172)
STRONGEST_ALPHA = 200  # the picture stays visible under the strongest share


@dataclass(frozen=True)
class Remark:
    """A warning or the reason of a refusal: a code for programs, a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True)
class Answer:
    """percentage: of `state`, 0 to 100; it and `probabilities` (class to 0..1) are None where state is Refused.

    heatmap: data URI of a small RGBA PNG that covers the whole picture: orange speaks for COVID, blue against.
    """

    state: State
    percentage: float | None
    probabilities: dict[str, float] | None
    threshold: float
    warnings: tuple[Remark, ...] = ()
    heatmap: str | None = None
    reason: Remark | None = None

    @property
    def winner(self) -> str:
        """The original's text, "97.12% COVID": the likelier class and its own probability, whatever the threshold."""
        if self.probabilities is None:
            raise ValueError("a refused picture has no winner; look at `reason`")
        label = max(CLASSES, key=self.probabilities.__getitem__)
        return f"{100 * self.probabilities[label]:.2f}% {label}"


# Looks at uint8[side, side] and says why it is not to be classified, or None.
Gate = Callable[[np.ndarray], Remark | None]


def blank(pixels: np.ndarray) -> Remark | None:
    """The refusal of a picture that shows nothing."""
    low, high = np.percentile(pixels, (1, 99))
    return refusal("blank") if high - low < BLANK_RANGE else None


def refusal(code: str) -> Remark:
    return Remark(code, REFUSALS[code])


def answer(engine: Engine, picture: np.ndarray, *, explain: bool = False, gate: Gate = blank) -> Answer:
    """What `engine` says about a decoded picture, uint8[h, w]. explain: with a heat map."""
    pixels = resize(picture, engine.side)
    threshold = float(engine.facts["threshold"])
    reason = gate(pixels)
    if reason is not None:
        return Answer("Refused", None, None, threshold, reason=reason)
    feature_map = engine.trunk(pixels[None])
    p_covid = float(engine.probabilities(engine.head.logits(feature_map))[0])
    state: State = "COVID" if p_covid >= threshold else "NonCOVID"
    probabilities = _by_class(p_covid)
    return Answer(
        state,
        100 * probabilities[state],
        probabilities,
        threshold,
        warnings_of(engine.facts, p_covid),
        heatmap(engine.head.shares(feature_map)[0]) if explain else None,
    )


def _by_class(p_covid: float) -> dict[str, float]:
    return {label: p_covid if i == COVID_INDEX else 1 - p_covid for i, label in enumerate(CLASSES)}


def warnings_of(facts: dict[str, Any], p_covid: float) -> tuple[Remark, ...]:
    codes = []
    if facts.get("shortcut_flagged"):
        codes.append("shortcut_flagged")
    if abs(_log_odds(p_covid) - _log_odds(facts["threshold"])) <= NEAR_LOG_ODDS:
        codes.append("near_threshold")
    return tuple(Remark(code, WARNINGS[code]) for code in codes)


def _log_odds(probability: float) -> float:
    inside = min(max(probability, 1e-12), 1 - 1e-12)
    return float(np.log(inside / (1 - inside)))


def heatmap(shares: np.ndarray) -> str:
    """Each location's share of the logit, float64[h, w], as the data URI of an RGBA PNG of w by h pixels.

    The hue is the sign, the opacity the magnitude against the strongest share of this picture.
    """
    strongest = float(np.abs(shares).max()) or 1.0
    pixels = np.empty((*shares.shape, 4), np.uint8)
    pixels[..., :3] = np.where(shares[..., None] > 0, TOWARDS_COVID, AWAY_FROM_COVID)
    pixels[..., 3] = np.rint(np.abs(shares) / strongest * STRONGEST_ALPHA)
    with io.BytesIO() as png:
        Image.fromarray(pixels).save(png, "PNG")
        return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
