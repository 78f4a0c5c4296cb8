"""What is said about one picture, without any web framework."""

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from cxr.inference.answer import Answer, answer, heatmap
from cxr.inference.engine import Engine
from cxr.inference.gate import Refusal
from cxr.inference.model_facts import ModelFacts
from cxr.inference.predictor import Predictor
from cxr.inference.remarks import Case, Remark
from cxr.inference.rules import NEAR_LOG_ODDS, RULES
from tests.site_profiles import profile

FACTS = ModelFacts(
    name="covid-cxr",
    version="1",
    backbone="tiny",
    image_size=32,
    temperature=1.0,
    threshold=0.5,
    split=None,
    shortcut_flagged=False,
    fine_tuned_blocks=0,
    precisions={},
    document={},
)


@pytest.fixture(scope="module")
def model(bundle: Path) -> Predictor:
    """Without gate and lungs."""
    return Predictor.load(bundle)


@pytest.fixture(scope="module")
def complete(complete_bundle: Path) -> Predictor:
    return Predictor.load(complete_bundle)


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (40, 50), dtype=np.uint8)


def halves(left: int, right: int) -> np.ndarray:
    return np.repeat(np.array([[left] * 32 + [right] * 32], np.uint8), 64, axis=0)


def with_threshold(model: Predictor, threshold: float) -> Predictor:
    engine = model.engine
    return Predictor(Engine(engine.trunk, engine.head, replace(engine.facts, threshold=threshold)))


def test_the_threshold_decides_the_state_and_the_percentage_is_of_that_state(model):
    p_covid = answer(model, picture()).probabilities["COVID"]
    below, above = (answer(with_threshold(model, p_covid + step), picture()) for step in (-0.01, 0.01))
    assert (below.state, above.state) == ("COVID", "NonCOVID")
    assert below.percentage == pytest.approx(100 * p_covid)
    assert above.percentage == pytest.approx(100 * (1 - p_covid))


def test_exactly_the_threshold_is_covid(model):
    p_covid = answer(model, picture()).probabilities["COVID"]
    assert answer(with_threshold(model, p_covid), picture()).state == "COVID"


def test_the_originals_text_is_of_the_likelier_class_whatever_the_threshold():
    said = Answer("COVID", 9.877, {"NonCOVID": 0.90123, "COVID": 0.09877}, threshold=0.05)
    assert said.winner == "90.12% NonCOVID"


def test_a_refusal_has_no_winner():
    with pytest.raises(ValueError, match="reason"):
        _ = Answer("Refused", None, None, 0.5, reason=Remark("blank", "")).winner


@pytest.mark.parametrize("level", [0, 7, 255])
def test_a_picture_of_one_grey_is_refused(model, level):
    said = answer(model, np.full((50, 60), level, np.uint8))
    assert (said.state, said.reason.code) == ("Refused", "blank")


def test_a_speck_of_dust_does_not_make_a_blank_picture_one_of_something(model):
    pixels = np.full((64, 64), 10, np.uint8)
    pixels[3, 3] = 255
    assert answer(model, pixels).state == "Refused"


@pytest.mark.parametrize("pixels", [picture() // 8, 255 - picture() // 8], ids=["dark", "bright"])
def test_a_picture_almost_all_dark_or_bright_is_refused_with_and_without_a_gate(model, complete, pixels):
    for predictor in (model, complete):
        said = answer(predictor, pixels)
        assert (said.state, said.reason.code, said.probabilities) == ("Refused", "exposure", None)


def test_what_the_gate_refuses_is_not_classified_and_not_explained(complete):
    said = answer(complete, halves(200, 20), explain=True)
    assert said == Answer("Refused", None, None, 0.5, reason=RULES.remark("refusal", "lateral"))


def test_what_the_gate_passes_is_classified_as_without_it(complete, model):
    assert answer(complete, picture()) == answer(model, picture())


def test_a_model_without_a_gate_refuses_blank_pictures_only(model):
    assert answer(model, halves(200, 20)).state != "Refused"


def test_every_refusal_of_the_gate_has_words():
    assert set(RULES.refusal_codes) == set(get_args(Refusal))


# --- the share of the heat map in the lungs, which the tiny segmenter finds where the picture is dark ------------


def lit(middle: int, edge: int) -> np.ndarray:
    pixels = np.full((64, 64), edge, np.uint8)
    pixels[16:48, 16:48] = middle
    return pixels


def test_the_share_in_the_lungs_comes_with_the_heat_map_only(complete, model):
    said = answer(complete, lit(20, 200), explain=True)
    assert 0 <= said.lung_share <= 1
    assert answer(complete, lit(20, 200)).lung_share is None
    without = answer(model, lit(20, 200), explain=True)
    assert (without.lung_share, without.heatmap) == (None, said.heatmap)


def test_nobody_pays_for_the_segmenter_who_does_not_ask_for_a_heat_map(complete):
    class Costly:
        def masks(self, pixels):
            raise AssertionError("asked for lungs")

    model = Predictor(complete.engine, complete.gate, Costly())
    assert answer(model, lit(20, 200)).state in ("COVID", "NonCOVID")
    assert answer(model, halves(200, 20), explain=True).state == "Refused"
    with pytest.raises(AssertionError, match="asked for lungs"):
        answer(model, lit(20, 200), explain=True)


@pytest.mark.parametrize(("edge", "inside"), [(100, True), (200, False)])
def test_less_than_half_in_the_lungs_is_a_warning(complete, edge, inside):
    """What is bright weighs most: with dark lungs in the middle of a bright picture, most lies outside them."""
    said = answer(complete, lit(0 if edge > 128 else 127, edge), explain=True)
    assert (said.lung_share >= 0.5) == inside
    assert (RULES.remark("warning", "outside_lungs") in said.warnings) == (not inside)


def test_where_no_lungs_are_found_nothing_is_said_about_them(complete):
    said = answer(complete, lit(255, 150), explain=True)
    assert said.heatmap is not None
    assert said.lung_share is None
    assert "outside_lungs" not in [warning.code for warning in said.warnings]


def test_a_flagged_model_warns_with_every_answer():
    flagged = Case(replace(FACTS, shortcut_flagged=True), 0.99, site=profile())
    assert [warning.code for warning in RULES.warnings_of(flagged)] == ["shortcut_flagged"]
    assert RULES.warnings_of(Case(replace(FACTS, shortcut_flagged=False), 0.99, site=profile())) == ()


@pytest.mark.parametrize("threshold", [0.02, 0.5, 0.9])
def test_near_the_threshold_is_a_matter_of_odds(threshold):
    odds = threshold / (1 - threshold)
    for factor, near in ((0.9, True), (1.1, True), (0.9, False), (1.1, False)):
        wide = factor if near else factor**9
        moved = odds * wide
        case = Case(replace(FACTS, threshold=threshold), moved / (1 + moved))
        codes = [warning.code for warning in RULES.warnings_of(case)]
        assert ("near_threshold" in codes) == near == (abs(np.log(wide)) <= NEAR_LOG_ODDS)


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_certainty_is_no_error(certain):
    assert RULES.warnings_of(Case(FACTS, certain, site=profile())) == ()


# --- the site ----------------------------------------------------------------------------------------------------


def test_without_a_site_every_answer_says_so(model):
    said = answer(model, picture())
    assert said.warnings[-1] == RULES.remark("warning", "not_commissioned")
    assert (said.site, said.triage) == (None, None)


def test_the_sites_calibration_threshold_and_triage_decide(model):
    p_model = answer(model, picture()).probabilities["COVID"]
    log_odds = np.log(p_model / (1 - p_model))
    for offset, state, triage in ((-8 - log_odds, "NonCOVID", "unlikely"), (8 - log_odds, "COVID", "likely")):
        said = answer(model, picture(), site=profile(calibration={"scale": 1, "offset": offset}))
        assert (said.state, said.triage, said.site, said.threshold) == (state, triage, "St. Example", 0.43)
        assert said.percentage > 99.9
        assert said.warnings == ()


def test_the_state_follows_the_sites_threshold_and_not_the_models(model):
    p_model = answer(model, picture()).probabilities["COVID"]
    for threshold, state in ((p_model - 0.01, "COVID"), (p_model + 0.01, "NonCOVID")):
        said = answer(model, picture(), site=profile(threshold=threshold), explain=True)
        assert said.state == state
        assert "near_threshold" in [warning.code for warning in said.warnings]


def test_what_is_refused_has_a_site_and_no_triage(model):
    said = answer(model, np.zeros((50, 60), np.uint8), site=profile())
    assert (said.state, said.threshold, said.site, said.triage) == ("Refused", 0.43, "St. Example", None)


def test_the_heat_map_shows_sign_by_hue_and_size_by_opacity():
    shares = np.array([[2.0, -1.0], [0.0, 0.5]])
    with Image.open(io.BytesIO(base64.b64decode(heatmap(shares).partition(",")[2]))) as png:
        pixels = np.asarray(png).astype(int)
    assert pixels.shape == (2, 2, 4)
    red, _, blue, alpha = np.moveaxis(pixels, -1, 0)
    assert (red > blue).tolist() == [[True, False], [False, True]]
    assert alpha.tolist() == [[200, 100], [0, 50]]


def test_a_heat_map_of_nothing_is_transparent():
    with Image.open(io.BytesIO(base64.b64decode(heatmap(np.zeros((3, 4))).partition(",")[2]))) as png:
        assert np.asarray(png)[..., 3].max() == 0


def test_the_shares_and_the_bias_are_the_logit(model):
    engine = model.engine
    maps = engine.trunk(np.stack([picture(seed)[:32, :32] for seed in range(3)]))
    total = engine.head.shares(maps).sum(axis=(1, 2)) + engine.head.bias
    assert total == pytest.approx(engine.head.logits(maps), abs=1e-6)
