"""The two public downloads as the tests ask for them, and the sentence that a failed one ends in."""

from pathlib import Path

import pytest

from cxr.common.errors import SourceError
from cxr.sources.covid_chestxray import CovidChestxrayParams
from cxr.sources.kaggle_pneumonia import KagglePneumoniaParams

from .servers import REVISION

COVID = CovidChestxrayParams("covid_chestxray", "public", REVISION, ("COVID",))
KAGGLE = KagglePneumoniaParams("kaggle_pneumonia", "public", ("NonCOVID",), 2)


def fault_of(source, params, directory: Path) -> str:
    """The sentence of the SourceError that fetching raises; nothing half-written may be taken for whole."""
    with pytest.raises(SourceError) as caught:
        source.fetch(params, directory)
    assert not directory.exists()
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.startswith(f"{directory.name}: ")
    return sentence
