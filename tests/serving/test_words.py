"""The service's sentences are those of clients/texts.json, so that every client says the same."""

import json
from pathlib import Path

import pytest

from cxr.inference.answer import REFUSALS, WARNINGS
from serving.errors import SHARED_WORDS

TEXTS = json.loads((Path(__file__).parents[2] / "clients" / "texts.json").read_text(encoding="utf-8"))


KINDS = {"warning": WARNINGS, "refusal": REFUSALS, "error": SHARED_WORDS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_words_are_shared(kind):
    words = KINDS[kind]
    assert words == {code: TEXTS[f"{kind}.{code}"]["en"] for code in words}
