"""A network that another program exported, as the project's trunk: its graph, and what is refused."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr.common.errors import ModelError
from cxr.evaluation.network_figure import network_figure
from cxr.features.quantization import _of_the_segmenter
from cxr.inference.engine import Trunk
from cxr.inference.lung_segmenter import FILE, LungSegmenter
from cxr.networks.exported import exported_fingerprint, sha256_of_backbone, write_exported_trunk
from cxr.networks.lung_attention import LEAST_LUNG
from cxr.networks.settings import ExportedBackbone
from tests import toy_backbone
from tests.labelled import pictures
from tests.tiny import dark_is_lung
from tests.toy_backbone import CELL, CHANNELS, GRID, SIZE, write_onnx, write_openvino


def expected_maps(shown: np.ndarray, entry: ExportedBackbone) -> np.ndarray:
    """What the toy says of uint8[n, SIZE, SIZE], by numpy: float64[n, GRID, GRID, CHANNELS]."""
    three = np.repeat(shown[..., None], 3, axis=-1)
    scaled = (three / 255 - np.array(entry.mean)) / np.array(entry.std)
    cells = scaled.reshape(len(shown), GRID, CELL, GRID, CELL, 3)
    return np.einsum("nhiwjc,kcij->nhwk", cells, toy_backbone.kernel().astype(np.float64))


def trunk_of(entry: ExportedBackbone, image_size: int, folder: Path, lungs: Path | None = None) -> Trunk:
    folder.mkdir(exist_ok=True)
    write_exported_trunk("toy", entry, image_size, folder, lungs)
    return Trunk(folder / "trunk.xml", threads=1)


@pytest.mark.parametrize("write", [write_onnx, write_openvino])
def test_the_trunk_says_what_the_network_says_of_the_scaled_picture(
    write: Callable[[Path], ExportedBackbone], tmp_path: Path
) -> None:
    entry, shown = write(tmp_path), pictures(3, SIZE)
    trunk = trunk_of(entry, SIZE, tmp_path / "trunk")
    assert (trunk.image_size, trunk.shape) == (SIZE, (GRID, GRID, CHANNELS))
    expected = expected_maps(shown, entry)
    np.testing.assert_allclose(trunk(shown), expected, atol=1e-4)
    assert expected.min() < 0 < expected.max()


@pytest.mark.parametrize("image_size", [32, 80])
def test_pictures_of_another_size_are_resized_as_the_decoder_does(image_size: int, tmp_path: Path) -> None:
    """Within the rounding of whole grey values, twice: the decoder rounds after the rows and after the columns."""
    entry, shown = write_onnx(tmp_path, std=(1.0,)), pictures(3, image_size)
    resized = [Image.fromarray(picture).resize((SIZE, SIZE), Image.Resampling.BILINEAR) for picture in shown]
    found = trunk_of(entry, image_size, tmp_path / "trunk")(shown)
    expected = expected_maps(np.stack([np.asarray(picture) for picture in resized]), entry)
    assert np.abs(found - expected)[..., 0].max() < 1 / 255
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.999


def test_each_place_weighs_by_the_lung_that_is_seen_there(tmp_path: Path) -> None:
    """The toy segmenter calls dark pixels lung; here the left half of each picture is dark."""
    entry, shown = write_onnx(tmp_path), pictures(2, SIZE) // 4
    shown[:, :, SIZE // 2 :] += 150
    lungs = dark_is_lung(tmp_path).parent
    plain = trunk_of(entry, SIZE, tmp_path / "plain")(shown)
    focused = trunk_of(entry, SIZE, tmp_path / "focused", lungs)(shown)
    seen = LungSegmenter.load(lungs / FILE).probabilities(shown)
    share = np.stack([np.asarray(Image.fromarray(one).resize((GRID, GRID), Image.Resampling.BILINEAR)) for one in seen])
    weights = share / np.maximum(share.mean(axis=(1, 2), keepdims=True), LEAST_LUNG)
    np.testing.assert_allclose(focused, plain * weights[..., None], atol=1e-3)
    assert np.abs(focused[:, :, -2:]).max() < 1e-3 < np.abs(focused[:, :, :2]).max()


def test_the_eight_bit_trunk_can_tell_the_segmenter_from_the_backbone(tmp_path: Path) -> None:
    import openvino as ov

    trunk_of(write_onnx(tmp_path), SIZE, tmp_path / "trunk", dark_is_lung(tmp_path).parent)
    model = ov.Core().read_model(tmp_path / "trunk/trunk.xml")
    names = [operation.get_friendly_name() for operation in model.get_ops()]
    assert len(set(names)) == len(names)
    found = _of_the_segmenter(model)
    assert any(name.startswith("lung_segmenter/") for name in found)
    backbone = [each.get_friendly_name() for each in model.get_ops() if each.get_type_name() == "Convolution"]
    assert backbone
    assert not found & set(backbone)


def test_without_a_segmenter_the_focus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no lung segmenter.*set features\.focus"):
        write_exported_trunk("toy", write_onnx(tmp_path), SIZE, tmp_path, tmp_path / "models/lungs")


def test_the_layers_can_be_drawn(tmp_path: Path) -> None:
    layers = write_exported_trunk("toy", write_onnx(tmp_path), 32, tmp_path)
    assert layers[0]["output_shape"] == [32, 32, 1]
    assert [layer["type"] for layer in layers] == ["InputLayer", "Rescaling", "Conv2D", "Map"]
    assert layers[-1] == {"name": "features", "type": "Map", "output_shape": [GRID, GRID, CHANNELS]}
    assert network_figure(layers, "toy").axes


def test_a_map_inside_the_network_can_be_taken_by_its_name(tmp_path: Path) -> None:
    import openvino as ov
    from openvino import opset13 as ops

    entry = write_onnx(tmp_path)
    network = ov.Core().read_model(entry.file)
    classifier = ops.reduce_mean(network.output().get_node().input_value(0), np.array([2, 3]))
    classifier.output(0).set_names({"logits"})
    file = tmp_path / "classifier.xml"
    ov.save_model(ov.Model([classifier], network.get_parameters(), "c"), file, compress_to_fp16=False)
    inside = replace(entry, file=str(file), sha256=sha256_of_backbone(file))
    shown = pictures(2, SIZE)
    np.testing.assert_allclose(
        trunk_of(inside, SIZE, tmp_path / "a")(shown), trunk_of(entry, SIZE, tmp_path / "b")(shown), atol=1e-5
    )
    with pytest.raises(ModelError, match=r"features\.exported\.toy\.output: the network has no tensor 'maps'.*logits"):
        trunk_of(replace(inside, output="maps"), SIZE, tmp_path / "c")


def test_a_network_for_one_picture_at_a_time_is_opened_for_any_number(tmp_path: Path) -> None:
    file = tmp_path / "one.onnx"
    file.write_bytes(toy_backbone.onnx_bytes(batch=1))
    trunk = trunk_of(toy_backbone.entry_of(file, file.read_bytes()), SIZE, tmp_path / "trunk")
    assert trunk(pictures(5, SIZE)).shape == (5, GRID, GRID, CHANNELS)


REFUSED = [
    # changes of the entry, what the sentence says
    ({"sha256": "0" * 64}, "has the SHA-256 [0-9a-f]{64}, params.yaml says 0000"),
    ({"file": "never.onnx"}, "features.exported.toy.file: never.onnx cannot be read"),
    ({"channels": 1, "std": (1.0,)}, r"the network's input is \[.*3.*\], the entry says \[-1, 1, 48, 48\]"),
    ({"image_size": 64}, r"the entry says \[-1, 3, 64, 64\] \(NCHW\); correct image_size"),
    ({"order": "NHWC"}, r"the entry says \[-1, 48, 48, 3\] \(NHWC\)"),
    ({"std": (1e-44,)}, "not finite; check mean and std"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED, ids=[next(iter(case[0])) for case in REFUSED])
def test_what_does_not_fit_its_entry_is_one_sentence(changes: dict, said: str, tmp_path: Path) -> None:
    entry = replace(write_onnx(tmp_path), **changes)
    with pytest.raises(ModelError, match=said) as caught:
        write_exported_trunk("toy", entry, SIZE, tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "trunk.xml").exists()


@pytest.mark.parametrize("content", [b"", b"garbage", toy_backbone.onnx_bytes()[:200]])
def test_a_damaged_file_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "damaged.onnx"
    file.write_bytes(content)
    entry = toy_backbone.entry_of(file, content)
    with pytest.raises(ModelError, match=r"features\.exported\.toy: .*damaged\.onnx is not a network") as caught:
        write_exported_trunk("toy", entry, SIZE, tmp_path)
    assert "\n" not in str(caught.value)


def test_the_hash_covers_both_of_openvinos_files(tmp_path: Path) -> None:
    entry = write_openvino(tmp_path)
    both = (tmp_path / "toy.xml").read_bytes() + (tmp_path / "toy.bin").read_bytes()
    assert sha256_of_backbone(tmp_path / "toy.xml") == entry.sha256 == hashlib.sha256(both).hexdigest()
    weights = bytearray((tmp_path / "toy.bin").read_bytes())
    weights[0] ^= 1
    (tmp_path / "toy.bin").write_bytes(weights)
    with pytest.raises(ModelError, match="it is another file"):
        write_exported_trunk("toy", entry, SIZE, tmp_path)


def test_backbones_are_told_apart_by_content_and_use_and_not_by_place(tmp_path: Path) -> None:
    entry = write_onnx(tmp_path)
    same = exported_fingerprint(replace(entry, file="elsewhere.onnx"))
    assert exported_fingerprint(entry) == same
    others = [replace(entry, **change) for change in ({"sha256": "0" * 64}, {"mean": (0.4,)}, {"output": "other"})]
    assert len({same, *map(exported_fingerprint, others)}) == 4
