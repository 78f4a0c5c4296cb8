"""What the project says about one picture: a class, a refusal, and what to be warned of. Knows no web framework.

The words are those of clients/texts.json (a test compares them), so that every client says the same.
"""

import base64
import io
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from PIL import Image

from cxr.common.labels import CLASSES, COVID_INDEX
from cxr.imaging.decode import resize
from cxr.imaging.exposure import exposure_fault
from cxr.inference.gate import Refusal
from cxr.inference.lung_segmenter import LUNG_SHARE, share_inside
from cxr.inference.predictor import Predictor

State = Literal["COVID", "NonCOVID", "Refused"]

WARNINGS = {
    "shortcut_flagged": "The audit found that this model can tell where a picture came from. Its answer may reflect "
    "the source of the picture rather than disease.",
    "outside_lungs": "Much of this answer comes from outside the lungs. Look at the heat map before you trust it.",
    "near_threshold": "This answer is close to the threshold. A slightly different picture could change it.",
}
REFUSALS: dict[Refusal, str] = {
    "blank": "The picture is blank or has almost no contrast. Choose another one.",
    "exposure": "The picture is almost all dark or almost all bright. Export it again with its grey levels, or choose "
    "another one.",
    "not_xray": "This does not look like a chest X-ray. Choose a picture of one.",
    "ct": "This looks like a CT slice. Choose a plain chest X-ray.",
    "lateral": "This looks like a lateral view, taken from the side. Choose a frontal (PA or AP) view.",
    "not_frontal": "This does not look like a frontal chest X-ray. Choose a PA or AP view.",
    "inverted": "The picture looks inverted: the bones are dark. Choose one in which the bones are white.",
}

NEAR_LOG_ODDS = 0.4  # a factor of 1.5 in the odds, whatever the threshold is: 0.40 to 0.60 around 0.5
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
    lung_share: of the heat map's absolute weight, what lies inside the lungs, 0 to 1; None where no heat map was
    asked for, the bundle has no lung segmenter, or no lungs were found.
    """

    state: State
    percentage: float | None
    probabilities: dict[str, float] | None
    threshold: float
    warnings: tuple[Remark, ...] = ()
    heatmap: str | None = None
    lung_share: float | None = None
    reason: Remark | None = None

    @property
    def winner(self) -> str:
        """The original's text, "97.12% COVID": the likelier class and its own probability, whatever the threshold."""
        if self.probabilities is None:
            raise ValueError("a refused picture has no winner; look at `reason`")
        label = max(CLASSES, key=self.probabilities.__getitem__)
        return f"{100 * self.probabilities[label]:.2f}% {label}"


def answer(model: Predictor, picture: np.ndarray, *, explain: bool = False) -> Answer:
    """What `model` says about a decoded picture, uint8[h, w]. explain: with a heat map, and its share in the lungs."""
    engine = model.engine
    pixels = resize(picture, engine.image_size)
    threshold = float(engine.facts["threshold"])
    code = refusal(model, pixels)
    if code is not None:
        return Answer("Refused", None, None, threshold, reason=Remark(code, REFUSALS[code]))
    feature_map = engine.trunk(pixels[None])
    p_covid = float(engine.probabilities(engine.head.logits(feature_map))[0])
    state: State = "COVID" if p_covid >= threshold else "NonCOVID"
    probabilities = _by_class(p_covid)
    said = Answer(state, 100 * probabilities[state], probabilities, threshold, warnings_of(engine.facts, p_covid))
    return _explained(said, model, pixels, engine.head.shares(feature_map)[0]) if explain else said


def refusal(model: Predictor, pixels: np.ndarray) -> Refusal | None:
    """Why uint8[size, size] is not to be classified, or None. Without a gate only blank and badly exposed ones are."""
    if model.gate is not None:
        return model.gate.refusal(pixels)
    return exposure_fault(pixels)


def _explained(said: Answer, model: Predictor, pixels: np.ndarray, shares: np.ndarray) -> Answer:
    """The answer with its heat map. The segmenter runs here only: nobody else pays for it."""
    lungs = None if model.lungs is None else model.lungs.masks(pixels[None])[0]
    inside = None if lungs is None else share_inside(lungs, np.abs(shares))
    outside = ("outside_lungs",) if inside is not None and inside < LUNG_SHARE else ()
    warnings = (*said.warnings, *(Remark(code, WARNINGS[code]) for code in outside))
    return replace(said, warnings=warnings, heatmap=heatmap(shares), lung_share=inside)


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
