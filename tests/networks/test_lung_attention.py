"""A trunk that looks at the lungs, on a small VGG16 with random weights and an untrained segmenter."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cxr.common.errors import ModelError
from cxr.features.trunks import TrunkSpec, lungs_fingerprint
from cxr.inference.engine import Trunk
from cxr.inference.head import Head
from cxr.inference.lung_segmenter import FILE
from cxr.networks.backbones import SEGMENTER, blocks_of, build_trunk, layer_table, leaves, open_blocks
from cxr.networks.keras_export import export_trunk
from cxr.networks.lung_attention import LEAST_LUNG

pytestmark = pytest.mark.slow

SIDE, CUT = 64, "block3_pool"  # a map of 8 by 8, averaged to 4 by 4


@pytest.fixture(scope="module")
def lungs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from cxr.networks import unet

    folder = tmp_path_factory.mktemp("lungs")
    unet.export(unet.build(32, 2, seed=3), folder)
    return folder


@pytest.fixture(scope="module")
def focused(lungs: Path) -> Any:
    return build_trunk("vgg16", SIDE, "random", 1, CUT, lungs)


def keras_array(weight: Any) -> np.ndarray:
    import keras

    return keras.ops.convert_to_numpy(weight)


def pictures(count: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 1)).astype(np.float32)


def probability(lungs: Path, shown: np.ndarray) -> np.ndarray:
    """float32[n, 8, 8]: what the exported segmenter sees, averaged over the cells of the trunk's map."""
    halves = shown.reshape(len(shown), 32, 2, 32, 2).mean(axis=(2, 4))
    seen = Trunk(lungs / FILE)._model({0: halves[..., None].astype(np.uint8)})[0][..., 0]
    return seen.reshape(len(shown), 8, 4, 8, 4).mean(axis=(2, 4))


def test_each_place_weighs_by_the_lung_that_is_seen_there(focused: Any, lungs: Path) -> None:
    plain, shown = build_trunk("vgg16", SIDE, "random", 1, CUT), pictures()
    whole = plain.get_layer(f"vgg16_to_{CUT}")(plain.get_layer("scaling")(np.repeat(shown, 3, axis=-1))).numpy()
    weights = probability(lungs, shown)
    weights = weights / np.maximum(weights.mean(axis=(1, 2), keepdims=True), LEAST_LUNG)
    weighted = whole * weights[..., None]
    expected = weighted.reshape(len(shown), 4, 2, 4, 2, -1).mean(axis=(2, 4))
    found = focused.predict(shown, verbose=0)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.02 * np.abs(expected).max())


@pytest.mark.parametrize(("bias", "share"), [(-50.0, 0.0), (np.log(0.05 / 0.95), 0.05 / LEAST_LUNG), (50.0, 1.0)])
def test_the_less_lung_is_seen_the_less_the_map_says(bias: float, share: float, lungs: Path, tmp_path: Path) -> None:
    from cxr.networks import unet

    blind = unet.load(lungs)
    last = blind.layers[-1]
    last.set_weights([np.zeros_like(last.get_weights()[0]), np.array([bias])])  # every pixel is as likely lung
    unet.export(blind, tmp_path)
    shown = pictures()
    found = build_trunk("vgg16", SIDE, "random", 1, CUT, tmp_path).predict(shown, verbose=0)
    plain = build_trunk("vgg16", SIDE, "random", 1, CUT).predict(shown, verbose=0)
    np.testing.assert_allclose(found, share * plain, rtol=1e-3, atol=1e-4 * np.abs(plain).max())


def test_the_exported_trunk_finds_the_lungs_itself(focused: Any, tmp_path: Path) -> None:
    export_trunk(focused, tmp_path)
    shown = pictures()
    expected = focused.predict(shown, verbose=0)
    found = Trunk(tmp_path / "trunk.xml")(shown[..., 0].astype(np.uint8))
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    head = Head("average", np.ones(found.shape[1:], np.float32), 0.5)
    np.testing.assert_allclose(head.shares(found).sum(axis=(1, 2)) + 0.5, head.logits(found), atol=1e-3)


def test_the_segmenter_is_no_part_of_what_is_trained_or_drawn(focused: Any) -> None:
    plain = build_trunk("vgg16", SIDE, "random", 1, CUT)
    with_weights = [[layer.name for layer in leaves(trunk) if layer.weights] for trunk in (focused, plain)]
    assert with_weights[0] == with_weights[1]
    assert not any(layer.name == SEGMENTER for layer in leaves(focused))
    assert len(blocks_of(focused, "vgg16")) == len(blocks_of(plain, "vgg16"))
    assert layer_table(focused)[-1]["output_shape"] == list(focused.output_shape[1:])
    before = [keras_array(weight) for weight in focused.get_layer(SEGMENTER).weights]
    open_blocks(focused, "vgg16", 1)
    assert not focused.get_layer(SEGMENTER).trainable_weights
    assert focused.trainable_weights
    for old, new in zip(before, focused.get_layer(SEGMENTER).weights, strict=True):
        np.testing.assert_array_equal(old, keras_array(new))


def test_another_segmenter_makes_another_trunk(lungs: Path, tmp_path: Path) -> None:
    from cxr.networks import unet

    unet.export(unet.build(32, 2, seed=4), tmp_path)
    spec = TrunkSpec("vgg16", SIDE, "random-1", CUT, lungs_fingerprint(lungs))
    assert spec != replace(spec, lungs=lungs_fingerprint(tmp_path))
    assert lungs_fingerprint(None) == ""


def test_a_folder_without_a_segmenter_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no lung segmenter.*features\.focus to data/pixels\.npy"):
        build_trunk("vgg16", SIDE, "random", 1, CUT, tmp_path)


@pytest.mark.parametrize(
    ("cut", "message"),
    [("mixed4+mixed3x", "no layer 'mixed3x'"), ("mixed2+mixed4", "cannot be put side by side")],
)
def test_layers_that_do_not_go_together_are_named(cut: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build_trunk("inceptionv3", 139, "random", 1, cut)


def test_several_layers_end_side_by_side() -> None:
    shown = np.random.default_rng(0).integers(0, 256, (1, 139, 139, 1)).astype(np.float32)
    found = build_trunk("inceptionv3", 139, "random", 1, "mixed4+mixed5").predict(shown, verbose=0)
    alone = [
        build_trunk("inceptionv3", 139, "random", 1, cut).predict(shown, verbose=0) for cut in ("mixed4", "mixed5")
    ]
    np.testing.assert_allclose(found, np.concatenate(alone, axis=-1), rtol=1e-4, atol=1e-5)


def test_the_segmenter_stays_in_floating_point_where_the_trunk_runs_in_eight_bits(focused: Any, tmp_path: Path) -> None:
    import openvino as ov

    from cxr.features.quantization import _of_the_segmenter, quantise

    export_trunk(focused, tmp_path)
    quantise(tmp_path, [np.asarray(p, np.uint8) for p in pictures(4)[..., 0]], kept=3)
    model = ov.Core().read_model(tmp_path / "int8.xml")
    kinds = {op.get_friendly_name(): op.get_type_name() for op in model.get_ordered_ops()}
    inside = {kinds[name] for name in _of_the_segmenter(model)}
    assert "Convolution" in inside
    assert "FakeQuantize" not in inside
    assert "FakeQuantize" in kinds.values()
