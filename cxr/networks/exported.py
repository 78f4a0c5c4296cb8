"""A backbone that comes as an exported file, ONNX or OpenVINO, becomes the project's trunk.

The file's network expects pixels of its own size, scaling, channels and order. All of that is put into the graph in
front of it. So the cache, the head, the heat map, the audit and the service see a trunk like those that Keras makes:
uint8[n, size, size, 1] to float32[n, h, w, c]. The trunk is frozen.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cxr.common.errors import ModelError
from cxr.common.usage_reports import switch_off
from cxr.inference.lung_segmenter import FILE as LUNGS_FILE
from cxr.networks.lung_attention import LEAST_LUNG, SHARE
from cxr.networks.registry import Backbone
from cxr.networks.settings import ExportedBackbone
from cxr.networks.unet import SEGMENTER

FORMAT = 1  # raise it when the graph that is built around a file changes
_CHECKED_PICTURES = 2  # more than one: an export may be fixed to a single picture without saying so


def exported_fingerprint(entry: ExportedBackbone) -> str:
    """An identity of the weights and of how they are used; not of where the file lies."""
    facts = asdict(entry) | {"format": FORMAT}
    del facts["file"]
    return f"exported-{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]}"


def backbone_files(file: Path) -> tuple[Path, ...]:
    """What the SHA-256 covers: an ONNX file, or OpenVINO's .xml and then its .bin."""
    return (file,) if file.suffix == ".onnx" else (file, file.with_suffix(".bin"))


def sha256_of_backbone(file: Path) -> str:
    digest = hashlib.sha256()
    for path in backbone_files(file):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def write_exported_trunk(
    backbone: Backbone, entry: ExportedBackbone, image_size: int, directory: Path, lungs: Path | None = None
) -> list[dict[str, Any]]:
    """Write trunk.xml and trunk.bin into `directory`; returns the table of layers for the picture of the network.

    entry: its file is a path. image_size: of the pixel store; the network's own size may be another. lungs: as
    cxr.networks.backbones.build_trunk takes it. Raises ModelError where the file is missing, is not the one that the
    SHA-256 names, or does not do what the entry says.
    """
    switch_off()
    import openvino as ov

    where = f"features.exported.{backbone}"
    network = _read(where, entry)
    _accept_any_batch(where, entry, network)
    feature_map = _feature_map(where, entry, network)
    layers = _layer_table(entry, image_size, network)
    trunk = _as_trunk(entry, image_size, network, feature_map, lungs)
    layers.append({"name": entry.output, "type": "Map", "output_shape": list(_checked_shape(where, entry, trunk))})
    # Full precision on disk: the precision that it runs in is chosen where it runs.
    ov.save_model(trunk, directory / "trunk.xml", compress_to_fp16=False)
    return layers


def _read(where: str, entry: ExportedBackbone) -> Any:
    """The network in the file. It is parsed from the very bytes whose hash was compared, and from nothing else: a
    file that keeps its weights in a second one, which the hash does not cover, cannot be read."""
    import openvino as ov

    contents = []
    for path in backbone_files(Path(entry.file)):
        try:
            contents.append(path.read_bytes())
        except OSError as fault:
            raise ModelError(f"{where}.file: {path} cannot be read ({fault.strerror})") from None
    found = hashlib.sha256(b"".join(contents)).hexdigest()
    if found != entry.sha256:
        raise ModelError(
            f"{where}: {entry.file} has the SHA-256 {found}, params.yaml says {entry.sha256}; it is another file, so "
            "get the right one, or change sha256 if you trust this one"
        )
    problem = f"{where}: {entry.file} is not a network that OpenVINO reads"
    with _openvino_fault(problem, "an ONNX file must hold its weights itself"):
        return ov.Core().read_model(*contents)


def _accept_any_batch(where: str, entry: ExportedBackbone, network: Any) -> None:
    """Let the network take any number of pictures of the declared size."""
    import openvino as ov

    if len(network.inputs) != 1:
        raise ModelError(f"{where}: the network has {len(network.inputs)} inputs; it must take the picture alone")
    kind = network.input().element_type
    if not kind.is_real():
        raise ModelError(f"{where}: the network's input is {kind}; it must be of floating point")
    size = entry.image_size
    channels = entry.channels
    wanted = [-1, channels, size, size] if entry.order == "NCHW" else [-1, size, size, channels]
    declared = network.input().partial_shape
    if not declared.compatible(ov.PartialShape(wanted)):
        raise ModelError(
            f"{where}: the network's input is {declared}, the entry says {wanted} ({entry.order}); correct "
            "image_size, channels or order"
        )
    problem = f"{where}: the network cannot take any number of pictures of {wanted[1:]}"
    with _openvino_fault(problem, "export it with a dynamic first axis"):
        network.reshape(ov.PartialShape(wanted))


def _feature_map(where: str, entry: ExportedBackbone, network: Any) -> Any:
    """The output, of whichever layer, that carries the declared name."""
    for operation in network.get_ordered_ops():
        for output in operation.outputs():
            if entry.output in output.get_names():
                result = operation.get_type_name() == "Result"
                return operation.input_value(0) if result else output
    names = sorted(name for output in network.outputs for name in output.get_names())
    raise ModelError(f"{where}.output: the network has no tensor {entry.output!r}; its outputs are {', '.join(names)}")


def _as_trunk(entry: ExportedBackbone, image_size: int, network: Any, feature_map: Any, lungs: Path | None) -> Any:
    import openvino as ov
    from openvino import opset13 as ops

    pixels = ops.parameter([-1, image_size, image_size, 1], ov.Type.u8, name="grey")
    # One channel: NHWC and NCHW hold the same numbers in the same order.
    grey = ops.reshape(ops.convert(pixels, "f32"), np.array([0, 1, image_size, image_size]), special_zero=True)
    _feed(network, _network_input(entry, grey, network.input().element_type))
    maps = ops.convert(feature_map, "f32")
    if entry.order == "NHWC":
        maps = ops.transpose(maps, np.array([0, 3, 1, 2]))
    if lungs is not None:
        maps = _weighted_by_lungs(grey, maps, lungs)
    maps = ops.transpose(maps, np.array([0, 2, 3, 1]))
    maps.output(0).set_names({"maps"})
    return ov.Model([ops.result(maps)], [pixels], "exported_trunk")


def _network_input(entry: ExportedBackbone, grey: Any, kind: Any) -> Any:
    """grey: float32[n, 1, size, size] in 0..255; returns what the network was trained on."""
    from openvino import opset13 as ops

    mean, std = (np.reshape(np.asarray(values, np.float32), (1, -1, 1, 1)) for values in (entry.mean, entry.std))
    picture = _resized(grey, (entry.image_size, entry.image_size))
    if entry.channels == 3:
        picture = ops.concat([picture] * 3, 1)
    picture = ops.divide(ops.subtract(ops.divide(picture, np.float32(255)), mean), std)
    if entry.order == "NHWC":
        picture = ops.transpose(picture, np.array([0, 2, 3, 1]))
    return ops.convert(picture, kind)


def _resized(planes: Any, size: tuple[int, int]) -> Any:
    """[n, 1, h, w] to [n, 1, *size]: bilinear over the area that each new pixel covers, as cxr.imaging.decode.resize
    does, less its rounding."""
    from openvino import opset13 as ops

    if tuple(d.get_length() for d in list(planes.output(0).get_partial_shape())[2:]) == size:
        return planes
    no_padding = [0, 0, 0, 0]
    return ops.interpolate(
        planes, np.array(size), "bilinear_pillow", "sizes", no_padding, no_padding, axes=np.array([2, 3])
    )


def _feed(network: Any, value: Any) -> None:
    """Let `value` stand in for the one input of `network`."""
    for user in network.input().get_target_inputs():
        user.replace_source_output(value.output(0))


def _weighted_by_lungs(grey: Any, maps: Any, lungs: Path) -> Any:
    """As cxr.networks.lung_attention.weighted_by_lungs, in OpenVINO's operations and with channels first."""
    import openvino as ov
    from openvino import opset13 as ops

    file = lungs / LUNGS_FILE
    if not file.is_file():
        raise ModelError(
            f"{lungs} holds no lung segmenter: no source brought lung masks to train one with; "
            "set features.focus to data/pixels.npy, the whole picture"
        )
    segmenter = ov.Core().read_model(file)
    for operation in segmenter.get_ordered_ops():  # names must stay unique beside the backbone's
        operation.set_friendly_name(f"{SEGMENTER}/{operation.get_friendly_name()}")
    size = segmenter.input().partial_shape[1].get_length()
    small = ops.round(_resized(grey, (size, size)), "half_to_even")
    _feed(segmenter, ops.convert(ops.reshape(small, np.array([0, size, size, 1]), special_zero=True), "u8"))
    lung = segmenter.output().get_node().input_value(0)  # [n, size, size, 1]
    planes = ops.reshape(lung, np.array([0, 1, size, size]), special_zero=True)
    height, width = (d.get_length() for d in list(maps.output(0).get_partial_shape())[2:])
    share = _resized(planes, (height, width))
    share.set_friendly_name(f"exported/{SHARE}")  # by this name the eight-bit trunk finds it (quantization.py)
    mean = ops.reduce_mean(share, np.array([2, 3]), keep_dims=True)
    return ops.multiply(maps, ops.divide(share, ops.maximum(mean, np.float32(LEAST_LUNG))))


def _checked_shape(where: str, entry: ExportedBackbone, trunk: Any) -> tuple[int, int, int]:
    """(h, w, c) of the map. Raises ModelError where two pictures do not give two finite maps of that shape."""
    import openvino as ov

    declared = trunk.output().partial_shape
    image_size = trunk.input().partial_shape[1].get_length()
    shown = np.random.default_rng(0).integers(0, 256, (_CHECKED_PICTURES, image_size, image_size, 1), dtype=np.uint8)
    problem = f"{where}: the network fails on {_CHECKED_PICTURES} pictures at once"
    with _openvino_fault(problem, "export it with a dynamic first axis"):
        compiled = ov.Core().compile_model(trunk, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        maps = compiled(shown)[0]
    if len(maps) != _CHECKED_PICTURES or any(d.is_dynamic for d in list(declared)[1:]):
        raise ModelError(f"{where}: two pictures give {entry.output!r} as {maps.shape}; each needs a map of one size")
    if not np.isfinite(maps).all():
        raise ModelError(f"{where}: the map {entry.output!r} holds values that are not finite; check mean and std")
    height, width, channels = maps.shape[1:]
    return height, width, channels


# OpenVINO's names of layers to Keras', by which the picture of a network tells them apart.
_KERAS_TYPES = {
    "Convolution": "Conv2D",
    "GroupConvolution": "DepthwiseConv2D",
    "MaxPool": "MaxPooling2D",
    "AvgPool": "AveragePooling2D",
    "Concat": "Concatenate",
}


def _layer_table(entry: ExportedBackbone, image_size: int, network: Any) -> list[dict[str, Any]]:
    """Input, scaling, and every convolution, pooling and joining, with their shapes (h, w, c)."""
    rows: list[dict[str, Any]] = [
        {"name": "grey", "type": "InputLayer", "output_shape": [image_size, image_size, 1]},
        {"name": "scaling", "type": "Rescaling", "output_shape": [entry.image_size, entry.image_size, entry.channels]},
    ]
    for operation in network.get_ordered_ops():
        kind = _KERAS_TYPES.get(operation.get_type_name())
        shape = list(operation.output(0).get_partial_shape()) if kind else []
        if len(shape) == 4 and not any(d.is_dynamic for d in shape[1:]):
            channels, height, width = (d.get_length() for d in shape[1:])  # inside, OpenVINO has channels first
            rows.append(
                {"name": operation.get_friendly_name(), "type": kind, "output_shape": [height, width, channels]}
            )
    return rows


@contextmanager
def _openvino_fault(problem: str, advice: str) -> Iterator[None]:
    """Raise ModelError, with OpenVINO's reason between the two, where OpenVINO fails."""
    try:
        yield
    except RuntimeError as fault:
        raise ModelError(f"{problem} ({_reason(fault)}); {advice}") from None


def _reason(fault: RuntimeError) -> str:
    return (str(fault).strip().splitlines() or ["no reason given"])[-1][:200]
