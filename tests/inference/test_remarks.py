"""The registry of warnings and refusals."""

import numpy as np
import pytest

from cxr.inference.predictor import Predictor
from cxr.inference.remarks import Case, Remark, Rules

SENTENCES = {"warning.late": "It is late.", "warning.early": "It is early.", "refusal.red": "It is red."}
CASE = Case({"threshold": 0.5}, 0.3)
PIXELS = np.zeros((4, 4), np.uint8)


@pytest.fixture
def rules() -> Rules:
    return Rules(SENTENCES)


@pytest.fixture
def model(bundle) -> Predictor:
    return Predictor.load(bundle)


def test_the_warnings_that_apply_come_in_the_order_of_their_entries(rules):
    rules.warning("late")(lambda case: case.p_covid < 0.5)
    rules.warning("early")(lambda case: True)
    assert rules.warnings_of(CASE) == (Remark("late", "It is late."), Remark("early", "It is early."))
    assert rules.warnings_of(Case({}, 0.7)) == (Remark("early", "It is early."),)


def test_an_entry_without_a_sentence_is_an_error_that_says_what_to_do(rules):
    with pytest.raises(ValueError, match=r"add warning\.new to clients/texts\.json and run `make texts`"):
        rules.warning("new")
    with pytest.raises(ValueError, match=r"add refusal\.late to clients/texts\.json"):
        rules.refusal("red", "late")


def test_a_code_is_taken_once(rules):
    rules.warning("late")(lambda case: True)
    rules.refusal("red")(lambda model, pixels: None)
    with pytest.raises(ValueError, match="'late' is there already"):
        rules.warning("late")
    with pytest.raises(ValueError, match="'red' is there already"):
        rules.refusal("red")


def test_a_refusal_gives_no_code_that_it_did_not_name(rules, model):
    """Codes are labels of the metrics: their number has to be known."""
    rules.refusal("red")(lambda model, pixels: "blue")
    with pytest.raises(ValueError, match="'blue'"):
        rules.refusal_of(model, PIXELS)


def test_the_first_refusal_that_finds_a_reason_decides(model):
    rules = Rules(SENTENCES | {"refusal.blue": "It is blue."})
    rules.refusal("red")(lambda model, pixels: "red" if pixels.max() else None)
    rules.refusal("blue")(lambda model, pixels: "blue")
    assert rules.refusal_of(model, PIXELS) == Remark("blue", "It is blue.")
    assert rules.refusal_of(model, PIXELS + 1) == Remark("red", "It is red.")


def test_an_extension_leaves_the_first_registry_alone(rules, model):
    extended = rules.extended({"warning.new": "It is new."})
    extended.warning("new")(lambda case: True)
    extended.refusal("red")(lambda model, pixels: "red")
    assert (extended.warning_codes, extended.refusal_codes) == (("new",), ("red",))
    assert (rules.warning_codes, rules.refusal_codes) == ((), ())
    assert rules.refusal_of(model, PIXELS) is None
