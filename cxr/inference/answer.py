"""What the project says about one picture: a class or a refusal, and its warnings. Knows no web framework.

When a warning or a refusal applies stands in cxr/inference/rules.py.
"""

import base64
import io
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from PIL import Image

from cxr.common.errors import UnsoundError
from cxr.common.labels import CLASSES, COVID_INDEX
from cxr.imaging.decode import resize
from cxr.inference.engine import Engine
from cxr.inference.familiarity import channel_means
from cxr.inference.lung_segmenter import share_inside
from cxr.inference.predictor import Predictor
from cxr.inference.remarks import Case, Remark, Rules
from cxr.inference.rules import RULES
from cxr.inference.site_profile import SiteProfile
from cxr.inference.triage import Group, group_of, site_probabilities

State = Literal["COVID", "NonCOVID", "Refused"]

TOWARDS_COVID = (217, 95, 2)  # orange and blue: told apart by people who do not tell red from green
AWAY_FROM_COVID = (33, 102, 172)
SUM_TOLERANCE = 1e-4  # of a heat map's absolute weight: the average head rounds its means to float32
STRONGEST_ALPHA = 200  # the picture stays visible under the strongest share


@dataclass(frozen=True)
class Answer:
    """percentage: of `state`, 0 to 100; it and `probabilities` (class to 0..1) are None where state is Refused.

    heatmap: data URI of a small RGBA PNG that covers the whole picture: orange speaks for COVID, blue against.
    lung_share: of the heat map's absolute weight, what lies inside the lungs, 0 to 1; None where no heat map was
    asked for, the bundle has no lung segmenter, or no lungs were found.
    familiarity: of pictures of the training sources, the share at least as unlike them, above 0 and at most 1; None
    where it is refused or the bundle does not know. site: the name of the site that the model was commissioned for, by
    which probabilities and threshold are; None where it was for none. profile: the version of that site's profile.
    triage: the site's group; None without a site, or where it is refused.
    """

    state: State
    percentage: float | None
    probabilities: dict[str, float] | None
    threshold: float
    warnings: tuple[Remark, ...] = ()
    heatmap: str | None = None
    lung_share: float | None = None
    reason: Remark | None = None
    familiarity: float | None = None
    triage: Group | None = None
    site: str | None = None
    profile: str | None = None

    @property
    def winner(self) -> str:
        """The original's text, "97.12% COVID": the likelier class and its own probability, whatever the threshold."""
        if self.probabilities is None:
            raise ValueError("a refused picture has no winner; look at `reason`")
        label = max(CLASSES, key=self.probabilities.__getitem__)
        return f"{100 * self.probabilities[label]:.2f}% {label}"


def answer(
    model: Predictor,
    picture: np.ndarray,
    *,
    explain: bool = False,
    rules: Rules = RULES,
    site: SiteProfile | None = None,
) -> Answer:
    """What `model` says about a decoded picture, uint8[h, w].

    explain: with a heat map, and its share inside the lungs. rules: when to warn and what to refuse. site: whose
    calibration, threshold and triage hold; the caller has checked that the profile is for this model and for use.
    Raises UnsoundError where the model computes what no answer may be.
    """
    engine = model.engine
    pixels = resize(picture, engine.image_size)
    reason = rules.refusal_of(model, pixels)
    if reason is not None:
        said = Answer("Refused", None, None, (site or engine.facts).threshold, reason=reason)
        return said if site is None else replace(said, site=site.site, profile=site.version)
    feature_map = engine.trunk(pixels[None])
    logit = engine.head.logits(feature_map)
    known = None if model.familiarity is None else float(model.familiarity.of(channel_means(feature_map))[0])
    case = Case(engine.facts, _probability(engine, logit, site), familiarity=known, site=site)
    said = _classified(case, rules.warnings_of(case))
    if not explain:
        return said
    shares = engine.head.shares(feature_map)[0]
    _require_sum(shares, float(logit[0]) - engine.head.bias)
    inside = share_in_lungs(model, pixels, shares)
    explained = replace(case, lung_share=inside)
    warnings = _joined(said.warnings, rules.warnings_of(explained))
    return replace(said, warnings=warnings, heatmap=heatmap(shares), lung_share=inside)


def _probability(engine: Engine, logit: np.ndarray, site: SiteProfile | None) -> float:
    """p_covid of a logit float64[1], as the model is calibrated or as the site is."""
    p_covid = engine.probabilities(logit)
    if site is not None:
        p_covid = site_probabilities(logit / engine.facts.temperature, site.calibration)
    return float(p_covid[0])


def _classified(case: Case, warnings: tuple[Remark, ...]) -> Answer:
    state: State = "COVID" if case.p_covid >= case.threshold else "NonCOVID"
    probabilities = _by_class(case.p_covid)
    said = Answer(
        state, 100 * probabilities[state], probabilities, case.threshold, warnings, familiarity=case.familiarity
    )
    if case.site is None:
        return said
    cuts = case.site.triage
    triage = None if cuts is None else group_of(case.p_covid, cuts)
    return replace(said, site=case.site.site, profile=case.site.version, triage=triage)


def share_in_lungs(model: Predictor, pixels: np.ndarray, shares: np.ndarray) -> float | None:
    """The part of the absolute `shares` inside the lungs, 0 to 1; None without a segmenter or where it finds none.

    Only an explained answer calls it, because the segmenter takes time.
    """
    lungs = None if model.lungs is None else model.lungs.masks(pixels[None])[0]
    return None if lungs is None else share_inside(lungs, np.abs(shares))


def _require_sum(shares: np.ndarray, whole: float) -> None:
    """Raises UnsoundError where a heat map does not sum to its logit without the bias, but for rounding."""
    if not abs(float(shares.sum()) - whole) <= SUM_TOLERANCE * (1 + float(np.abs(shares).sum())):
        raise UnsoundError("the heat map does not sum to the logit")


def _joined(first: tuple[Remark, ...], second: tuple[Remark, ...]) -> tuple[Remark, ...]:
    """What only the heat map tells comes last."""
    return (*first, *(remark for remark in second if remark not in first))


def _by_class(p_covid: float) -> dict[str, float]:
    return {label: p_covid if i == COVID_INDEX else 1 - p_covid for i, label in enumerate(CLASSES)}


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
