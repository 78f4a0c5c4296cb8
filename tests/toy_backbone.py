"""A backbone from outside the package, as another program would export it: three channels, NCHW, pixels of its own
size, and a map of 6 x 6 x 6 whose features can be negative. One convolution; as ONNX, and as OpenVINO's two files."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from cxr.networks.settings import ExportedBackbone

SIZE, GRID, CHANNELS = 48, 6, 6
CELL = SIZE // GRID


def kernel() -> np.ndarray:
    """float32[CHANNELS, 3, CELL, CELL]. The first channel is the brightness, the second its negative."""
    weights = np.random.default_rng(4).normal(0, 0.02, (CHANNELS, 3, CELL, CELL)).astype(np.float32)
    weights[0] = 1 / (3 * CELL * CELL)
    weights[1] = -weights[0]
    return weights


def write_onnx(folder: Path, **changes: Any) -> ExportedBackbone:
    """Write toy.onnx and return the entry that params.yaml would hold."""
    file = folder / "toy.onnx"
    file.write_bytes(onnx_bytes())
    return entry_of(file, file.read_bytes(), **changes)


def write_openvino(folder: Path, **changes: Any) -> ExportedBackbone:
    """The same network with channels last, as toy.xml and toy.bin."""
    import openvino as ov
    from openvino import opset13 as ops

    image = ops.parameter([-1, SIZE, SIZE, 3], ov.Type.f32, name="image")
    planes = ops.transpose(image, np.array([0, 3, 1, 2]))
    maps = ops.convolution(planes, kernel(), [CELL, CELL], [0, 0], [0, 0], [1, 1])
    maps = ops.transpose(maps, np.array([0, 2, 3, 1]))
    maps.output(0).set_names({"features"})
    file = folder / "toy.xml"
    ov.save_model(ov.Model([maps], [image], "toy"), file, compress_to_fp16=False)
    contents = file.read_bytes() + file.with_suffix(".bin").read_bytes()
    return entry_of(file, contents, **{"order": "NHWC", **changes})


def entry_of(file: Path, contents: bytes, **changes: Any) -> ExportedBackbone:
    facts: dict[str, Any] = {
        "kind": "openvino_or_onnx",
        "file": str(file),
        "sha256": hashlib.sha256(contents).hexdigest(),
        "image_size": SIZE,
        "channels": 3,
        "order": "NCHW",
        "mean": (0.5,),
        "std": (0.25, 0.5, 1.0),
        "output": "features",
    }
    return ExportedBackbone(**(facts | changes))


def onnx_bytes(batch: int | None = None) -> bytes:
    """An ONNX file, encoded by hand: the package onnx is not installed here. batch: fixed number of pictures."""
    weights = kernel()
    initializer = b"".join(_number(1, size) for size in weights.shape)
    initializer += _number(2, 1) + _bytes(8, b"weights") + _bytes(9, weights.tobytes())
    strides = _bytes(1, b"strides") + _number(8, CELL) + _number(8, CELL) + _number(20, 7)
    node = (
        _bytes(1, b"image") + _bytes(1, b"weights") + _bytes(2, b"features") + _bytes(4, b"Conv") + _bytes(5, strides)
    )
    graph = _bytes(1, node) + _bytes(2, b"toy") + _bytes(5, initializer)
    graph += _bytes(11, _value(b"image", batch, 3, SIZE)) + _bytes(12, _value(b"features", batch, CHANNELS, GRID))
    opset = _bytes(1, b"") + _number(2, 18)
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, opset)


def _value(name: bytes, batch: int | None, channels: int, size: int) -> bytes:
    dimensions = [_bytes(2, b"batch") if batch is None else _number(1, batch)]
    dimensions += [_number(1, length) for length in (channels, size, size)]
    shape = b"".join(_bytes(1, dimension) for dimension in dimensions)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, shape)))


def _number(field: int, value: int) -> bytes:
    """A field of protobuf that holds a whole number."""
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    """A field of protobuf that holds text, bytes or a message."""
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
