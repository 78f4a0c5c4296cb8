"""A backbone that comes as a file, from its entry to an answer: trunk, caches, head, bundle, heat map."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr.augmentation.photometric import UNCHANGED
from cxr.augmentation.settings import AugmentationParams
from cxr.common.atomic_files import read_json
from cxr.common.errors import ParamsError
from cxr.features.filling import filled_caches
from cxr.features.settings import FeaturesParams
from cxr.features.trunks import ensure_trunk, read_shape, read_trunk_spec, trunk_is_there, trunk_spec
from cxr.inference.engine import Engine, Trunk
from cxr.networks.settings import ExportedBackbone
from cxr.training.pipeline import calibrated_bundle, require_tunable, train_on_caches
from tests.labelled import labelled_split
from tests.tiny import dark_is_lung
from tests.toy_backbone import CHANNELS, GRID, write_onnx
from tests.training.head_examples import PARAMS

IMAGE_SIZE = 64  # of the pixel store; the toy takes 48
TRAIN, VALIDATION = labelled_split(60, IMAGE_SIZE, seed=1), labelled_split(31, IMAGE_SIZE, seed=2)
FACTS = {"name": "covid-cxr", "backbone": "toy", "side": IMAGE_SIZE}


def features_params(entry: ExportedBackbone) -> FeaturesParams:
    return FeaturesParams(
        augmented_views=3,
        seed=4,
        precision="f32",
        augmentation=AugmentationParams(
            rotation_degrees=5, shift_fraction=0.05, horizontal_flip=True, photometric=UNCHANGED
        ),
        weights={"toy": "exported"},
        cut={"toy": ""},
        exported={"toy": entry},
        focus="data/pixels.npy",
    )


def made_trunk(params: FeaturesParams, folder: Path, lungs: Path | None = None) -> Path:
    spec = trunk_spec("toy", IMAGE_SIZE, params)
    ensure_trunk(spec, params.weights_of("toy"), params.seed, folder, lungs, params.exported_of("toy"))
    return folder


@pytest.mark.parametrize("kind", ["flatten", "average"])
def test_an_exported_backbone_answers_and_its_heat_map_sums_to_the_logit(kind: str, tmp_path: Path) -> None:
    params = features_params(write_onnx(tmp_path))
    trunk = made_trunk(params, tmp_path / "toy")
    augmented, plain, new = filled_caches(trunk, TRAIN, VALIDATION, params, tmp_path / "cache")
    assert (augmented.shape, new) == ((GRID, GRID, CHANNELS), 91)
    assert augmented.offsets() is not None  # its features can be negative
    head_params = replace(PARAMS, head=kind, weighting="label", epochs=150)
    trained = train_on_caches(TRAIN, VALIDATION, (augmented, plain), head_params)
    p_covid = calibrated_bundle(
        tmp_path / "model", trunk, trained, (TRAIN, VALIDATION), FACTS, 0.9, tmp_path / "memory"
    )

    engine = Engine.load(tmp_path / "model")
    fresh = labelled_split(20, IMAGE_SIZE, seed=3)
    np.testing.assert_allclose(engine.predict(VALIDATION.pixels), p_covid, atol=1e-6)
    assert ((engine.predict(fresh.pixels) >= 0.5) == (fresh.y == 1)).mean() >= 0.9
    shares = engine.shares(fresh.pixels)
    assert shares.shape == (20, GRID, GRID)
    np.testing.assert_allclose(shares.sum(axis=(1, 2)) + engine.head.bias, engine.logits(fresh.pixels), atol=1e-4)


def test_the_cache_holds_the_signed_map_within_its_rounding(tmp_path: Path) -> None:
    params = features_params(write_onnx(tmp_path))
    trunk = made_trunk(params, tmp_path / "toy")
    _, plain, _ = filled_caches(trunk, TRAIN, VALIDATION, params, tmp_path / "cache")
    stored = plain.features()[:, 0] * plain.scales() + plain.offsets()
    exact = Trunk(trunk / "trunk.xml", threads=1).feature_maps(VALIDATION.pixels).reshape(len(stored), -1)
    assert exact.min() < 0 < exact.max()
    assert (np.abs(stored - exact) <= plain.scales() / 2 * 1.01).mean() > 0.99


def test_a_trunk_is_made_once_and_again_when_its_entry_or_the_lungs_change(tmp_path: Path) -> None:
    entry = write_onnx(tmp_path)
    params = features_params(entry)
    folder = made_trunk(params, tmp_path / "toy")
    assert read_trunk_spec(folder) == trunk_spec("toy", IMAGE_SIZE, params)
    assert read_shape(folder) == (GRID, GRID, CHANNELS)
    assert {path.name for path in folder.iterdir()} == {"trunk.xml", "trunk.bin", "trunk.json", "layers.json"}
    Path(entry.file).unlink()
    made_trunk(features_params(replace(entry, file="elsewhere.onnx")), folder)  # the file is not asked for again
    other = features_params(replace(entry, mean=(0.4,)))
    assert not trunk_is_there(trunk_spec("toy", IMAGE_SIZE, other), folder)
    lungs = dark_is_lung(tmp_path).parent
    focused = replace(trunk_spec("toy", IMAGE_SIZE, params), lungs="a segmenter")
    write_onnx(tmp_path)
    ensure_trunk(focused, "exported", 4, folder, lungs, entry)
    assert read_json(folder / "trunk.json")["lungs"] == "a segmenter"


def test_fine_tuning_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    params = features_params(write_onnx(tmp_path))
    require_tunable("toy", replace(PARAMS, fine_tune=0), params)
    with pytest.raises(ParamsError, match=r"train\.fine_tune is 2, and toy is an exported backbone.*set .* to 0"):
        require_tunable("toy", replace(PARAMS, fine_tune=2), params)
