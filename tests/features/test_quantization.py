from pathlib import Path

import numpy as np
import pytest

from cxr.common.atomic_files import read_json
from cxr.common.errors import ModelError
from cxr.evaluation.precision_check import compare_precisions
from cxr.features.quantization import compare, cosines, ensure_int8, quantise, read_agreement
from cxr.inference.bundle import copy_bundle, write_bundle
from cxr.inference.engine import BUNDLE_FILES, INT8_FILES, Engine, Trunk, trunk_file
from cxr.inference.head import Head
from cxr.inference.manifest import write_manifest
from tests.labelled import labelled_split, pictures

pytest.importorskip("nncf")
SIDE, CHANNELS = 32, 8
FACTS = {"name": "m", "backbone": "b", "side": SIDE, "classes": ["NonCOVID", "COVID"], "temperature": 1.0}


def convolutions(directory: Path, count: int = 6) -> Path:
    """A trunk of `count` convolutions with ReLUs, 8 x 8 x CHANNELS."""
    import openvino as ov
    from openvino import opset13 as ops

    rng = np.random.default_rng(3)
    pixels = ops.parameter([-1, SIDE, SIDE, 1], ov.Type.u8, name="pixels")
    now = ops.transpose(ops.divide(ops.convert(pixels, "f32"), np.float32(255)), np.array([0, 3, 1, 2]))
    channels = 1
    for number in range(count):
        kernel = rng.normal(0.1, 0.4, (CHANNELS, channels, 3, 3)).astype(np.float32)
        stride = [2, 2] if number < 2 else [1, 1]
        now = ops.relu(ops.convolution(now, kernel, stride, [1, 1], [1, 1], [1, 1]))
        channels = CHANNELS
    features = ops.transpose(now, np.array([0, 2, 3, 1]))
    directory.mkdir(parents=True)
    ov.save_model(ov.Model([features], [pixels], "six"), directory / "trunk.xml", compress_to_fp16=False)
    return directory


@pytest.fixture(scope="module")
def trunk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With its eight-bit twin."""
    directory = convolutions(tmp_path_factory.mktemp("trunk") / "trunk")
    ensure_int8(directory, list(pictures(20, SIDE)), pictures(8, SIDE, seed=9))
    return directory


def types_of(model: Path) -> set[str]:
    import openvino as ov

    return {op.get_type_name() for op in ov.Core().read_model(model).get_ops()}


def test_the_twin_computes_in_eight_bits_and_says_nearly_the_same(trunk: Path) -> None:
    assert "FakeQuantize" in types_of(trunk_file(trunk, "int8"))
    assert "FakeQuantize" not in types_of(trunk_file(trunk, "f32"))
    agreement = read_agreement(trunk)
    assert agreement is not None
    assert agreement.holds
    assert 0.99 <= agreement.least_cosine <= agreement.mean_cosine < 1
    assert agreement == compare(trunk, pictures(8, SIDE, seed=9))


def test_quantising_again_gives_the_same_model(trunk: Path, tmp_path: Path) -> None:
    again = convolutions(tmp_path / "again")
    quantise(again, list(pictures(20, SIDE)))
    maps = (Trunk(trunk_file(where, "int8"), "int8").feature_maps(pictures(4, SIDE)) for where in (trunk, again))
    np.testing.assert_array_equal(*maps)


def test_what_is_there_is_not_made_again(trunk: Path) -> None:
    before = trunk_file(trunk, "int8").stat().st_mtime_ns
    ensure_int8(trunk, [], pictures(8, SIDE))
    assert trunk_file(trunk, "int8").stat().st_mtime_ns == before


def test_a_trunk_without_a_twin_has_no_agreement(tmp_path: Path) -> None:
    assert read_agreement(convolutions(tmp_path / "bare")) is None


def test_cosines_of_known_vectors() -> None:
    a = np.array([[1.0, 0], [1, 1], [0, 0], [0, 0], [3, 4]])
    b = np.array([[0.0, 2], [1, 0], [0, 0], [1, 0], [6, 8]])
    np.testing.assert_allclose(cosines(a, b), [0, 0.5**0.5, 1, 0, 1])


@pytest.fixture
def bundle(trunk: Path, tmp_path: Path) -> Path:
    weights = np.random.default_rng(1).normal(0, 0.001, (8, 8, CHANNELS)).astype(np.float32)
    write_bundle(tmp_path / "bundle", trunk, Head("flatten", weights, 0.0), FACTS | {"threshold": 0.5})
    return tmp_path / "bundle"


def test_a_bundle_brings_the_twin_along_and_runs_in_it(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    copy_bundle(bundle, tmp_path / "copy")
    asked = pictures(6, SIDE, seed=4)
    exact, eight_bits = (Engine.load(tmp_path / "copy", precision=p) for p in ("f32", "int8"))
    assert (exact.precision, eight_bits.precision) == ("f32", "int8")
    gap = np.abs(exact.predict(asked) - eight_bits.predict(asked))
    assert 0 < gap.max() < 0.05


def test_auto_stays_exact_until_something_was_measured(bundle: Path) -> None:
    assert Engine.load(bundle, precision="auto").precision == "f32"


def test_the_twin_decides_the_version(bundle: Path, trunk: Path, tmp_path: Path) -> None:
    head = Head.load(bundle / "head.npz")
    write_bundle(tmp_path / "without", convolutions(tmp_path / "bare"), head, FACTS | {"threshold": 0.5})
    assert read_json(bundle / "model.json")["version"] != read_json(tmp_path / "without" / "model.json")["version"]


def test_a_model_without_a_twin_can_not_run_in_eight_bits(bundle: Path) -> None:
    for name in INT8_FILES:
        (bundle / name).unlink()
    write_manifest(bundle, BUNDLE_FILES)
    with pytest.raises(ModelError, match=r"has no int8\.xml; it cannot run in int8, take auto"):
        Engine.load(bundle, precision="int8")


def test_faster_precisions_are_held_against_float32(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxr.evaluation.precision_check.available", lambda: ("int8", "bf16", "f32"))
    validation = labelled_split(12, SIDE, seed=5)
    exact = Engine.load(bundle).predict(validation.pixels)
    measured = compare_precisions(bundle, validation, exact)
    assert set(measured) == {"int8", "bf16"}
    for entry in measured.values():
        assert entry["images"] == 12
        assert 0 <= entry["same_answer"] <= 1
        assert abs(entry["auc_difference"]) <= 1
        assert entry["holds"] == (abs(entry["auc_difference"]) <= 0.005 and entry["same_answer"] >= 0.99)
    assert measured["int8"]["largest_change"] > 0


def test_an_answer_that_turns_does_not_hold(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxr.evaluation.precision_check.available", lambda: ("bf16", "f32"))
    validation = labelled_split(12, SIDE, seed=5)
    inverted = 1 - Engine.load(bundle).predict(validation.pixels)
    assert compare_precisions(bundle, validation, inverted)["bf16"]["holds"] is False
