"""What is said about one picture, without any web framework."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from cxr.answer import NEAR_LOG_ODDS, Answer, Remark, answer, heatmap, warnings_of
from cxr.engine import Engine
from tests.tiny import tiny_bundle


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Engine:
    return Engine.load(tiny_bundle(tmp_path_factory.mktemp("model") / "bundle"))


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (40, 50), dtype=np.uint8)


def with_threshold(engine: Engine, threshold: float, **facts: object) -> Engine:
    return Engine(engine.trunk, engine.head, engine.facts | {"threshold": threshold} | facts)


def test_the_threshold_decides_the_state_and_the_percentage_is_of_that_state(engine):
    p_covid = answer(engine, picture()).probabilities["COVID"]
    below, above = (answer(with_threshold(engine, p_covid + step), picture()) for step in (-0.01, 0.01))
    assert (below.state, above.state) == ("COVID", "NonCOVID")
    assert below.percentage == pytest.approx(100 * p_covid)
    assert above.percentage == pytest.approx(100 * (1 - p_covid))


def test_exactly_the_threshold_is_covid(engine):
    p_covid = answer(engine, picture()).probabilities["COVID"]
    assert answer(with_threshold(engine, p_covid), picture()).state == "COVID"


def test_the_originals_text_is_of_the_likelier_class_whatever_the_threshold():
    said = Answer("COVID", 9.877, {"NonCOVID": 0.90123, "COVID": 0.09877}, threshold=0.05)
    assert said.winner == "90.12% NonCOVID"


def test_a_refusal_has_no_winner():
    with pytest.raises(ValueError, match="reason"):
        _ = Answer("Refused", None, None, 0.5, reason=Remark("blank", "")).winner


@pytest.mark.parametrize("level", [0, 7, 255])
def test_a_picture_of_one_grey_is_refused(engine, level):
    said = answer(engine, np.full((50, 60), level, np.uint8))
    assert (said.state, said.reason.code) == ("Refused", "blank")


def test_a_speck_of_dust_does_not_make_a_blank_picture_one_of_something(engine):
    pixels = np.full((64, 64), 10, np.uint8)
    pixels[3, 3] = 255
    assert answer(engine, pixels).state == "Refused"


def test_a_gate_may_refuse_and_then_nothing_is_classified(engine):
    said = answer(engine, picture(), explain=True, gate=lambda pixels: Remark("lateral", "from the side"))
    assert said == Answer("Refused", None, None, 0.5, reason=Remark("lateral", "from the side"))


def test_a_flagged_model_warns_with_every_answer():
    flagged = {"threshold": 0.5, "shortcut_flagged": True}
    assert [warning.code for warning in warnings_of(flagged, 0.99)] == ["shortcut_flagged"]
    assert warnings_of({"threshold": 0.5, "shortcut_flagged": False}, 0.99) == ()


@pytest.mark.parametrize("threshold", [0.02, 0.5, 0.9])
def test_near_the_threshold_is_a_matter_of_odds(threshold):
    odds = threshold / (1 - threshold)
    for factor, near in ((0.9, True), (1.1, True), (0.9, False), (1.1, False)):
        wide = factor if near else factor**9
        moved = odds * wide
        codes = [warning.code for warning in warnings_of({"threshold": threshold}, moved / (1 + moved))]
        assert ("near_threshold" in codes) == near == (abs(np.log(wide)) <= NEAR_LOG_ODDS)


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_certainty_is_no_error(certain):
    assert warnings_of({"threshold": 0.5}, certain) == ()


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


def test_the_shares_and_the_bias_are_the_logit(engine):
    maps = engine.trunk(np.stack([picture(seed)[:32, :32] for seed in range(3)]))
    total = engine.head.shares(maps).sum(axis=(1, 2)) + engine.head.bias
    assert total == pytest.approx(engine.head.logits(maps), abs=1e-6)
