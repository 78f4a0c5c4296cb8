"""Fine-tuning, on networks with random weights. All slow: each needs Keras."""

import importlib.util
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cxr.common.atomic_files import sha256_of
from cxr.common.errors import CxrError, ModelError
from cxr.evaluation.history import Epoch
from cxr.inference.engine import Engine
from cxr.inference.head import Head, HeadKind
from cxr.networks.backbones import blocks_of, build_trunk, leaves, open_blocks
from cxr.networks.keras_export import export_trunk
from cxr.networks.registry import BACKBONES, Backbone
from cxr.training.batches import PlainBatches
from cxr.training.fine_tuning import classifier, fine_tune, fit, head_of, precision_policy
from cxr.training.head_training import TrainedHead, linear_head
from cxr.training.pipeline import calibrated_bundle, fine_tuned
from tests.labelled import labelled_split
from tests.training.head_examples import PARAMS
from tests.training.test_batches import PARAMS as FEATURES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]
ROOT = Path(__file__).parents[2]
SIDE = 32
TRAIN, VALIDATION = labelled_split(24, SIDE, seed=1), labelled_split(12, SIDE, seed=2)
FROZEN = [Epoch(1, 0.7, 0.5, 0.7, 0.5), Epoch(2, 0.6, 0.5, 0.6, 0.5)]
RECIPE = replace(FEATURES, weights={"vgg16": "random"}, cut={"vgg16": ""})
TUNING = replace(PARAMS, dropout=0.0, batch_size=8, fine_tune=1, fine_tune_epochs=2, fine_tune_learning_rate=1e-4)


@pytest.fixture(scope="module")
def vgg16() -> Any:
    return build_trunk("vgg16", SIDE, "random", RECIPE.seed)


def started(trunk: Any, kind: HeadKind = "flatten") -> TrainedHead:
    """A head that knows nothing, with features centred and scaled by what the trunk says of the training pictures."""
    shape = trunk.output_shape[1:]
    maps = np.asarray(trunk.predict(TRAIN.pixels[..., None].astype(np.float32), verbose=0))
    features = maps.reshape(len(maps), -1) if kind == "flatten" else maps.mean(axis=(1, 2))
    centre = features.mean(axis=0)
    length = float(np.sqrt(np.square(features - centre).sum(axis=1).mean()))
    weights = np.random.default_rng(5).normal(0, 0.1 / length, features.shape[1])
    return TrainedHead(linear_head(kind, weights, 0.3, shape), FROZEN, 2, centre, length)


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_one_step_moves_the_opened_block_and_nothing_else_on_every_backend(backend: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.one_step", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["backend"] == backend
    assert all(math.isfinite(loss) for loss in found["losses"])
    opened = {f"conv5_block3_{i}_conv/{name}" for i in (1, 2, 3) for name in ("kernel", "bias")}
    assert set(found["moved"]) <= opened | {"log_odds/kernel", "log_odds/bias"}
    assert {name for name in opened if name.endswith("kernel")} | {"log_odds/kernel"} <= set(found["moved"])
    assert sum("_bn/" in name for name in found["still"]) == 4 * 53  # every BatchNormalization, averages included
    assert found["error_of_the_export"] < 1e-4


BLOCKS: dict[Backbone, tuple[int, int, str, str]] = {
    # least side, blocks, a layer of the last one, a layer of the one before
    "inceptionv3": (75, 11, "mixed10", "mixed9"),
    "vgg16": (32, 5, "block5_conv1", "block4_pool"),
    "resnet50": (32, 16, "conv5_block3_out", "conv5_block2_out"),
    "xception": (71, 13, "block14_sepconv1", "block13_sepconv2"),
}


@pytest.mark.parametrize("backbone", BACKBONES)
def test_blocks_are_those_of_the_papers(backbone: Backbone) -> None:
    image_size, count, last, before = BLOCKS[backbone]
    trunk = build_trunk(backbone, image_size, "random", 1)
    blocks = blocks_of(trunk, backbone)
    names = [{layer.name for layer in block} for block in blocks]
    assert len(blocks) == count
    assert last in names[-1]
    assert before in names[-2]
    assert sum(map(len, blocks)) == len(list(leaves(trunk)))
    assert all(any(layer.weights for layer in block) for block in blocks)
    with pytest.raises(
        ModelError, match=rf"train\.fine_tune is {count + 1}; this {backbone} has {count} blocks, give at most so many"
    ):
        open_blocks(trunk, backbone, count + 1)


def test_of_a_cut_trunk_the_blocks_before_the_cut_are_opened() -> None:
    trunk = build_trunk("inceptionv3", 75, "random", 1, "mixed5")
    blocks = blocks_of(trunk, "inceptionv3")
    assert len(blocks) == 6
    assert [layer.name for layer in blocks[-1]][-2:] == ["mixed5", "cut_pooling"]
    open_blocks(trunk, "inceptionv3", 1)
    kernels = [layer.kernel for layer in blocks[-1] if type(layer).__name__ == "Conv2D"]
    assert len(kernels) == 10  # a module of the 17 x 17 grid
    assert {id(weight) for weight in trunk.trainable_weights} == {id(kernel) for kernel in kernels}


def test_in_an_opened_block_everything_but_batch_normalisation_trains() -> None:
    trunk = build_trunk("inceptionv3", 75, "random", 1)
    open_blocks(trunk, "inceptionv3", 2)
    opened = [layer for block in blocks_of(trunk, "inceptionv3")[-2:] for layer in block]
    kernels = [layer.kernel for layer in opened if type(layer).__name__ == "Conv2D"]
    assert len(kernels) == 2 * 9  # an inception module of the 8 x 8 grid has nine convolutions
    assert {id(weight) for weight in trunk.trainable_weights} == {id(kernel) for kernel in kernels}


@pytest.mark.parametrize("kind", ["flatten", "average"])
def test_the_classifier_says_what_the_trunk_and_the_head_say(vgg16: Any, kind: HeadKind) -> None:
    start = started(vgg16, kind)
    model = classifier(vgg16, start, TUNING)
    pictures = VALIDATION.pixels[..., None].astype(np.float32)
    expected = start.head.logits(np.asarray(vgg16.predict(pictures, verbose=0)))
    np.testing.assert_allclose(model.predict(pictures, verbose=0)[:, 0], expected, rtol=1e-4, atol=1e-5)
    again: Head = head_of(model, start, vgg16.output_shape[1:])
    assert again.kind == kind
    np.testing.assert_allclose(again.weights, start.head.weights, rtol=1e-5, atol=1e-8)
    assert again.bias == pytest.approx(start.head.bias, abs=1e-5)


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_what_comes_back_is_the_best_epoch_in_float32(vgg16: Any, precision: str) -> None:
    """The validation loss of the returned trunk and head is the one that the best epoch is recorded with."""
    recipe = replace(RECIPE, precision=precision)
    found = fine_tune("vgg16", started(vgg16), TRAIN, VALIDATION, TUNING, recipe)
    history, best = found.trained.history, found.trained.best_epoch
    assert [epoch.epoch for epoch in history] == [1, 2, 3, 4]
    assert history[:2] == FROZEN
    assert best == 3 + int(np.argmin([epoch.validation_loss for epoch in history[2:]]))
    maps = np.asarray(found.trunk.predict(VALIDATION.pixels[..., None].astype(np.float32), verbose=0))
    assert found.trunk.output.dtype == "float32"
    z = found.trained.head.logits(maps)
    loss = np.mean(np.logaddexp(0, np.where(VALIDATION.y == 1, -z, z)))
    assert loss == pytest.approx(history[best - 1].validation_loss, rel=1e-4 if precision == "f32" else 0.05)
    changed = [
        layer.name
        for layer, was in zip(leaves(found.trunk), leaves(vgg16), strict=True)
        if any((np.asarray(a) != np.asarray(b)).any() for a, b in zip(layer.weights, was.weights, strict=True))
    ]
    assert changed == ["block5_conv1", "block5_conv2", "block5_conv3"]


def test_the_bundle_has_the_tuned_trunk_and_answers_as_calibrated(vgg16: Any, tmp_path: Path) -> None:
    frozen = tmp_path / "frozen"
    frozen.mkdir()
    export_trunk(vgg16, frozen)
    facts = {"name": "covid-cxr", "backbone": "vgg16", "side": SIDE}
    with fine_tuned("vgg16", frozen, started(vgg16), (TRAIN, VALIDATION), TUNING, RECIPE) as (trunk, tuned):
        assert trunk != frozen
        p_covid = calibrated_bundle(
            tmp_path / "model", trunk, tuned, (TRAIN, VALIDATION), facts, 0.9, tmp_path / "cache"
        )
    assert not trunk.exists()
    engine = Engine.load(tmp_path / "model")
    np.testing.assert_allclose(engine.predict(VALIDATION.pixels), p_covid, atol=1e-6)
    calibrated_bundle(tmp_path / "other", frozen, tuned, (TRAIN, VALIDATION), facts, 0.9, tmp_path / "cache")
    assert Engine.load(tmp_path / "other").facts.version != engine.facts.version
    assert sha256_of(tmp_path / "model" / "trunk.bin") != sha256_of(frozen / "trunk.bin")


def test_without_blocks_to_open_nothing_changes(vgg16: Any, tmp_path: Path) -> None:
    start = started(vgg16)
    with fine_tuned("vgg16", tmp_path, start, (TRAIN, VALIDATION), replace(TUNING, fine_tune=0), RECIPE) as found:
        assert found == (tmp_path, start)


def test_where_no_epoch_is_better_the_frozen_trunk_stays(vgg16: Any) -> None:
    far = replace(TUNING, fine_tune_learning_rate=1.0)
    found = fine_tune("vgg16", started(vgg16), TRAIN, VALIDATION, far, RECIPE)
    assert found.trunk is None
    assert found.trained.best_epoch == 2
    assert [epoch.epoch for epoch in found.trained.history] == [1, 2, 3, 4]


def test_an_input_that_is_not_finite_is_said_so(vgg16: Any) -> None:
    model = classifier(vgg16, started(vgg16), TUNING)
    broken = PlainBatches(VALIDATION, np.full(12, np.nan, np.float32), 8)
    with pytest.raises(CxrError, match=r"fine-tuning diverged: .*lower train\.fine_tune_learning_rate"):
        fit(model, broken, broken, TUNING)


def test_precision_is_set_for_what_is_made_inside_alone() -> None:
    import keras

    for precision, policy in (("f32", "float32"), ("bf16", "mixed_bfloat16")):
        with precision_policy(precision):  # type: ignore[arg-type]
            assert keras.layers.Dense(1).dtype_policy.name == policy
        assert keras.layers.Dense(1).dtype_policy.name == "float32"
