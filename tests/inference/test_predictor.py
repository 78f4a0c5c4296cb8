"""A whole bundle, loaded: what it has beside the engine, and what damaged parts do."""

from pathlib import Path

import pytest

from cxr.common.errors import ModelError
from cxr.inference.engine import Engine
from cxr.inference.predictor import Predictor
from tests.tiny import complete_tiny_bundle


def test_a_bundle_without_parts_is_a_model_without_gate_and_lungs(bundle: Path) -> None:
    model = Predictor.load(bundle)
    assert (model.gate, model.lungs) == (None, None)
    assert model.facts == Engine.load(bundle).facts


def test_a_complete_bundle_has_all(complete_bundle: Path) -> None:
    model = Predictor.load(complete_bundle, latency=True, threads=1)
    assert model.gate is not None
    assert model.gate.kinds == ("frontal", "lateral")
    assert model.lungs is not None


@pytest.mark.parametrize("part", ["gate.npz", "lungs.xml"])
def test_a_damaged_part_is_no_missing_one(part: str, tmp_path: Path) -> None:
    """A service that lost its gate on the way must not answer as if it had none."""
    damaged = complete_tiny_bundle(tmp_path / "bundle")
    (damaged / part).unlink()
    (damaged / part).write_bytes(b"<net")
    with pytest.raises(ModelError, match=part):
        Predictor.load(damaged)
