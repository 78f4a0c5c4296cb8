"""A backbone is one entry: a toy that this file adds goes the same way as the committed ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cxr.common.errors import ModelError
from cxr.features.trunks import TrunkSpec, ensure_trunk, read_shape
from cxr.inference.engine import Trunk
from cxr.networks.backbones import blocks_of, build_trunk, open_blocks
from cxr.networks.registry import BACKBONES, BackboneSpec, spec_of
from tests.labelled import pictures


def toy(include_top: bool, weights: str | None, input_shape: tuple[int, int, int]) -> Any:
    """Two convolutions with ReLUs."""
    import keras

    assert not include_top
    inputs = keras.Input(input_shape)
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu", name="toy1_conv")(inputs)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="toy2_conv")(x)
    model = keras.Model(inputs, x, name="toy")
    if weights:
        model.load_weights(weights)
    return model


@pytest.fixture
def toy_backbone(monkeypatch: pytest.MonkeyPatch) -> str:
    spec = BackboneSpec(toy, 1 / 255, (0.0, 0.0, 0.0), min_image_size=16, block_end=r"toy\d_conv")
    monkeypatch.setitem(BACKBONES, "toy", spec)
    return "toy"


def test_an_unknown_backbone_is_one_sentence_that_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match="'other' is not a Keras backbone; known are inceptionv3, vgg16, "):
        spec_of("other")


@pytest.mark.slow
def test_a_backbone_that_is_one_entry_becomes_a_trunk(toy_backbone: str, tmp_path: Path) -> None:
    spec = TrunkSpec(toy_backbone, 32, "random-3")
    ensure_trunk(spec, "random", 3, tmp_path / "toy")
    assert read_shape(tmp_path / "toy") == (7, 7, 8)
    shown = pictures(3, 32)
    exported = Trunk(tmp_path / "toy/trunk.xml", threads=1)(shown)
    expected = np.asarray(build_trunk(toy_backbone, 32, "random", 3)(shown[..., None].astype(np.float32)))
    np.testing.assert_allclose(exported, expected, atol=1e-4 * np.abs(expected).max())
    with pytest.raises(ModelError, match=r"pixels\.image_size is 15; toy needs at least 16"):
        build_trunk(toy_backbone, 15, "random", 3)


@pytest.mark.slow
def test_its_blocks_can_be_fine_tuned(toy_backbone: str) -> None:
    trunk = build_trunk(toy_backbone, 32, "random", 3)
    assert len(blocks_of(trunk, toy_backbone)) == 2
    open_blocks(trunk, toy_backbone, 1)
    assert len(trunk.trainable_weights) == 2
