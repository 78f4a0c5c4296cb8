"""The service's sentences are those of clients/texts.json, so that every client says the same."""

import json
from pathlib import Path

import pytest

from cxr.inference.rules import RULES
from serving.errors import fault_of_ours, overloaded, too_slow, unauthorised

TEXTS = json.loads((Path(__file__).parents[2] / "clients" / "texts.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("code", RULES.warning_codes)
def test_a_warning_says_the_shared_words(code):
    assert RULES.remark("warning", code).message == TEXTS[f"warning.{code}"]["en"]


@pytest.mark.parametrize("code", RULES.refusal_codes)
def test_a_refusal_says_the_shared_words(code):
    assert RULES.remark("refusal", code).message == TEXTS[f"refusal.{code}"]["en"]


@pytest.mark.parametrize("fault", [unauthorised(), overloaded(), too_slow(), fault_of_ours()], ids=lambda f: f.code)
def test_an_error_says_the_shared_words(fault):
    assert fault.message == TEXTS[f"error.{fault.code}"]["en"]


@pytest.mark.parametrize("kind", ["warning", "refusal"])
def test_no_shared_sentence_is_of_a_code_that_the_service_does_not_know(kind):
    codes = {"warning": RULES.warning_codes, "refusal": RULES.refusal_codes}[kind]
    assert {f"{kind}.{code}" for code in codes} == {name for name in TEXTS if name.startswith(f"{kind}.")}
