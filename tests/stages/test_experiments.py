"""What `register` and `make promote` know an experiment by: the variable that DVC sets in every kind of it."""

import pytest

from cxr.common.errors import CxrError
from cxr.promotion.moves import EXPERIMENT
from tools.promote import promote


def test_an_experiment_promotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EXPERIMENT, "swift-fox")
    with pytest.raises(CxrError, match="an experiment of DVC promotes nothing"):
        promote(3)
