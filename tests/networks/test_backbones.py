"""The exported trunks against Keras itself. All slow: each needs TensorFlow."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from cxr.common.atomic_files import sha256_of
from cxr.common.errors import ModelError
from cxr.features.trunks import TrunkSpec, ensure_trunk, read_trunk_spec
from cxr.inference.engine import Trunk
from cxr.inference.head import Head, HeadKind
from cxr.networks.backbones import build_trunk, layer_table, weights_fingerprint
from cxr.networks.keras_export import export_trunk
from cxr.networks.registry import BACKBONES, Backbone
from tests.labelled import pictures

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]
SEED = 3


@pytest.fixture(scope="module")
def vgg16() -> Any:
    return build_trunk("vgg16", 32, "random", SEED)


@pytest.fixture(scope="module")
def weights_file(vgg16: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of the trunk's inner model, as the public files hold them."""
    path = tmp_path_factory.mktemp("weights") / "vgg16.weights.h5"
    next(layer for layer in vgg16.layers if hasattr(layer, "layers")).save_weights(path)
    return path


def test_every_backbone_of_the_parameters_is_known() -> None:
    params = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8"))
    assert tuple(BACKBONES) == tuple(params["train"]["backbones"])
    assert BACKBONES.keys() == params["features"]["weights"].keys() == params["features"]["cut"].keys()


@pytest.mark.parametrize(
    ("backbone", "package"), [(b, {"inceptionv3": "inception_v3", "resnet50": "resnet"}.get(b, b)) for b in BACKBONES]
)
def test_scaling_is_the_one_that_the_weights_were_trained_with(backbone: Backbone, package: str) -> None:
    """Grey as three equal channels through Keras' own `preprocess_input`."""
    grey = np.arange(256, dtype=np.float32).reshape(1, 16, 16, 1)
    preprocess = importlib.import_module(f"keras.applications.{package}").preprocess_input
    expected = preprocess(np.repeat(grey, 3, axis=3))
    np.testing.assert_allclose(
        grey * BACKBONES[backbone].scale + BACKBONES[backbone].offset, expected, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(("backbone", "image_size"), [("inceptionv3", 75), ("vgg16", 32)])
def test_the_exported_trunk_sees_what_keras_sees(backbone: Backbone, image_size: int, tmp_path: Path) -> None:
    """Within 1e-4 of the largest feature, in full precision; the input is what the pixel store holds."""
    trunk, shown = build_trunk(backbone, image_size, "random", SEED), pictures(3, image_size=image_size)
    export_trunk(trunk, tmp_path)
    expected = np.asarray(trunk(shown[..., None].astype(np.float32)))
    exported = Trunk(tmp_path / "trunk.xml", threads=1)
    assert (exported.image_size, exported.shape) == (image_size, expected.shape[1:])
    np.testing.assert_allclose(exported(shown), expected, atol=1e-4 * np.abs(expected).max())
    assert expected.min() >= 0  # the cache counts on the outputs of a ReLU
    assert expected.std() > 0


@pytest.mark.parametrize(("cut", "kind"), [("", "flatten"), ("mixed5", "average")])
def test_the_heat_map_of_a_real_size_model_sums_to_keras_own_logit(cut: str, kind: HeadKind, tmp_path: Path) -> None:
    """InceptionV3 at 299 pixels, exported, with the original's head and with the recommended one."""
    import keras

    trunk, shown = build_trunk("inceptionv3", 299, "random", SEED, cut), pictures(2, image_size=299)
    features = np.asarray(trunk(shown[..., None].astype(np.float32)))
    _, height, width, _ = features.shape
    assert (height, width) == (8, 8)
    seen = features if kind == "flatten" else features.mean(axis=(1, 2))
    flat = seen.reshape(2, -1)
    kernel = np.random.default_rng(0).normal(0, 5 / np.linalg.norm(flat[0]), (flat.shape[1], 1)).astype(np.float32)
    dense = keras.layers.Dense(1)
    dense.build(flat.shape)
    dense.set_weights([kernel, np.array([0.25], np.float32)])
    expected = np.asarray(dense(flat))[:, 0]
    at_each_place = kernel.reshape(features.shape[1:]) if kind == "flatten" else kernel[:, 0] / (height * width)
    head = Head(kind, np.broadcast_to(at_each_place, features.shape[1:]).astype(np.float32), 0.25)
    export_trunk(trunk, tmp_path)
    shares = head.shares(Trunk(tmp_path / "trunk.xml", threads=1)(shown))
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(shares.sum(axis=(1, 2)) + head.bias, expected, atol=1e-3)


def test_a_cut_trunk_is_the_whole_ones_map_averaged_over_squares(tmp_path: Path) -> None:
    import keras

    image_size, shown = 75, pictures(2, image_size=75)
    whole, trunk = (
        build_trunk("vgg16", image_size, "random", SEED),
        build_trunk("vgg16", image_size, "random", SEED, "block4_pool"),
    )
    inner = next(layer for layer in whole.layers if hasattr(layer, "layers"))
    scaled = keras.Model(whole.input, whole.get_layer("scaling").output)(shown[..., None].astype(np.float32))
    maps = np.asarray(keras.Model(inner.input, inner.get_layer("block4_pool").output)(scaled))
    expected = maps.reshape(2, 2, 2, 2, 2, 512).mean(axis=(2, 4))
    export_trunk(trunk, tmp_path)
    exported = Trunk(tmp_path / "trunk.xml", threads=1)
    assert exported.shape == (2, 2, 512) == tuple(layer_table(trunk)[-1]["output_shape"])
    np.testing.assert_allclose(exported(shown), expected, atol=1e-4 * expected.max())
    assert trunk.trainable_weights == []
    assert not [row["name"] for row in layer_table(trunk) if row["name"].startswith("block5")]


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        ("mixed5", "there is no layer 'mixed5' with a map; such as .*block4_pool, block5_pool, or ''"),
        ("block5_pool", r"the map of 'block5_pool' is \(1, 1\); cut earlier"),
    ],
)
def test_a_place_that_can_not_be_cut_is_one_sentence_that_names_others(cut: str, said: str) -> None:
    with pytest.raises(ModelError, match=rf"features\.cut\.vgg16: {said}"):
        build_trunk("vgg16", 32, "random", SEED, cut)


def test_random_weights_repeat_with_their_seed(vgg16: Any) -> None:
    def first_weights(trunk: Any) -> np.ndarray:
        return np.asarray(trunk.weights[0])

    np.testing.assert_array_equal(first_weights(build_trunk("vgg16", 32, "random", SEED)), first_weights(vgg16))
    assert (first_weights(build_trunk("vgg16", 32, "random", SEED + 1)) != first_weights(vgg16)).any()


def test_no_weight_of_a_trunk_is_trained(vgg16: Any) -> None:
    assert vgg16.trainable_weights == []
    assert len(vgg16.weights) == 26


def test_weights_come_from_a_file(vgg16: Any, weights_file: Path) -> None:
    again = build_trunk("vgg16", 32, str(weights_file), SEED + 1)
    for found, expected in zip(again.weights, vgg16.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


def test_a_file_of_another_network_is_refused(weights_file: Path) -> None:
    with pytest.raises(ModelError, match=r"features\.weights\.resnet50: .*vgg16.* does not fit"):
        build_trunk("resnet50", 32, str(weights_file), SEED)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x89HDF\r\n\x1a\n"])
def test_a_file_that_holds_no_weights_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "damaged.weights.h5"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"features\.weights\.vgg16: .*damaged") as caught:
        build_trunk("vgg16", 32, str(path), SEED)
    assert "\n" not in str(caught.value)


def test_a_missing_weights_file_says_what_may_stand_there() -> None:
    with pytest.raises(
        ModelError, match=r"features\.weights\.vgg16: never\.h5 is no file; give .*'imagenet' or 'random'"
    ):
        build_trunk("vgg16", 32, "never.h5", SEED)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_pictures_that_are_too_small_are_refused(backbone: Backbone) -> None:
    least = BACKBONES[backbone].min_image_size
    with pytest.raises(ModelError, match=rf"pixels\.image_size is {least - 1}; {backbone} needs at least {least}"):
        build_trunk(backbone, least - 1, "random", SEED)


def test_weights_that_can_not_be_downloaded_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there
    file_utils = importlib.import_module("keras.src.utils.file_utils")
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))
    with pytest.raises(ModelError, match=r"features\.weights\.vgg16: the ImageNet weights could not be downloaded"):
        build_trunk("vgg16", 32, "imagenet", SEED)


def test_weights_are_told_apart_by_content_or_seed(weights_file: Path) -> None:
    assert weights_fingerprint("imagenet", 1) == weights_fingerprint("imagenet", 2)
    assert weights_fingerprint("random", 1) != weights_fingerprint("random", 2)
    assert weights_fingerprint(str(weights_file), 1) == sha256_of(weights_file)


def test_the_layers_are_listed_with_their_shapes(vgg16: Any) -> None:
    rows = layer_table(vgg16)
    assert rows[0]["output_shape"] == [32, 32, 1]
    assert rows[-1] == {"name": "block5_pool", "type": "MaxPooling2D", "output_shape": [1, 1, 512]}
    assert [row["type"] for row in rows].count("Conv2D") == 13


def test_a_trunk_is_made_once_and_again_when_what_it_is_made_of_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    backbones = importlib.import_module("cxr.networks.backbones")
    monkeypatch.setattr(backbones, "build_trunk", lambda *a: built.append(a) or build_trunk(*a))
    spec, folder = TrunkSpec("vgg16", 32, weights_fingerprint("random", SEED)), tmp_path / "vgg16"
    for _ in range(2):
        ensure_trunk(spec, "random", SEED, folder)
    assert built == [("vgg16", 32, "random", SEED, "", None)]
    assert read_trunk_spec(folder) == spec
    assert {path.name for path in folder.iterdir()} == {"trunk.xml", "trunk.bin", "trunk.json", "layers.json"}
    before = sha256_of(folder / "trunk.bin")
    ensure_trunk(replace(spec, weights=weights_fingerprint("random", 4)), "random", 4, folder)
    assert len(built) == 2
    assert sha256_of(folder / "trunk.bin") != before
    (folder / "trunk.bin").unlink()  # half a trunk is none
    ensure_trunk(replace(spec, weights=weights_fingerprint("random", 4)), "random", 4, folder)
    assert len(built) == 3
