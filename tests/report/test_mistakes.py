"""Which mistakes are shown, and with what."""

import base64
import io

import numpy as np
from PIL import Image

from cxr.report.mistakes import surest_mistakes
from tests.report.conftest import Made
from tests.report.made import SIDE


def test_the_surest_come_first_and_right_answers_never() -> None:
    y = [0, 0, 1, 1, 0, 1]
    p = np.array([0.9, 0.1, 0.05, 0.8, 0.7, 0.45])
    assert surest_mistakes(y, p, 0.5) == [2, 0, 4, 5]


def test_neither_kind_crowds_the_other_out() -> None:
    y = [0] * 10 + [1] * 10
    p = np.array([0.99] * 10 + [0.4] * 10)
    shown = surest_mistakes(y, p, 0.5, most=6)
    assert sum(i < 10 for i in shown) == 3
    assert len(shown) == 6


def test_where_one_kind_is_rare_the_other_fills_up() -> None:
    y = [0] * 10 + [1]
    p = np.array([0.99] * 10 + [0.4])
    assert len(surest_mistakes(y, p, 0.5, most=6)) == 6
    assert 10 in surest_mistakes(y, p, 0.5, most=6)


def test_without_a_mistake_there_is_nothing() -> None:
    assert surest_mistakes([0, 1], np.array([0.1, 0.9]), 0.5) == []


def test_a_mistake_shows_the_picture_that_the_model_saw(made: Made) -> None:
    mistake = made.mistakes[0]
    assert mistake.label != mistake.called
    assert mistake.lung_share is not None
    assert 0 < mistake.lung_share < 1
    picture = Image.open(io.BytesIO(base64.b64decode(mistake.picture.split(",")[1])))
    assert picture.size == (SIDE, SIDE)
    assert picture.format == "JPEG"
    assert Image.open(io.BytesIO(base64.b64decode(mistake.heatmap.split(",")[1]))).mode == "RGBA"
