"""What this project warns of and refuses: one function an entry. The sentences stand in clients/texts.json."""

import numpy as np

from cxr.imaging.exposure import exposure_fault
from cxr.inference.familiarity import UNFAMILIAR
from cxr.inference.lung_segmenter import LUNG_SHARE
from cxr.inference.predictor import Predictor
from cxr.inference.remarks import Case, Rules
from cxr.inference.sentences import SENTENCES

NEAR_LOG_ODDS = 0.4  # a factor of 1.5 in the odds, whatever the threshold is: 0.40 to 0.60 around 0.5

RULES = Rules(SENTENCES)


@RULES.warning("shortcut_flagged")
def shortcut_flagged(case: Case) -> bool:
    """The audit failed the model, or could not clear it."""
    return bool(case.facts.shortcut_flagged)


@RULES.warning("unfamiliar_source")
def unfamiliar_source(case: Case) -> bool:
    """The picture is unlike those of every source that the model learned from."""
    return case.familiarity is not None and case.familiarity <= UNFAMILIAR


@RULES.warning("outside_lungs")
def outside_lungs(case: Case) -> bool:
    """Most of the heat map's weight lies outside the lungs."""
    return case.lung_share is not None and case.lung_share < LUNG_SHARE


@RULES.warning("near_threshold")
def near_threshold(case: Case) -> bool:
    """The odds of COVID are at most a factor of 1.5 away from those of the threshold."""
    return abs(_log_odds(case.p_covid) - _log_odds(case.threshold)) <= NEAR_LOG_ODDS


@RULES.warning("not_commissioned")
def not_commissioned(case: Case) -> bool:
    """Nobody has tested the model where it is used."""
    return case.site is None


def _log_odds(probability: float) -> float:
    inside = min(max(probability, 1e-12), 1 - 1e-12)
    return float(np.log(inside / (1 - inside)))


@RULES.refusal("blank", "exposure", "not_xray", "ct", "lateral", "not_frontal", "inverted")
def not_a_frontal_xray(model: Predictor, pixels: np.ndarray) -> str | None:
    """What the gate says; a model without a gate refuses blank and badly exposed pictures only."""
    if model.gate is not None:
        return model.gate.refusal(pixels)
    return exposure_fault(pixels)
