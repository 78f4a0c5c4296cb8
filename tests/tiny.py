"""A complete model in milliseconds, without TensorFlow: average pooling, one convolution, and a linear head."""

from pathlib import Path
from typing import Any

import numpy as np

from cxr.inference.bundle import complete_bundle, write_bundle
from cxr.inference.gate import FILE as GATE_FILE
from cxr.inference.gate import SIDE as THUMBNAIL
from cxr.inference.gate import Gate
from cxr.inference.head import Head
from cxr.inference.lung_segmenter import FILE as LUNGS_FILE

GRID = 4  # the feature map is GRID by GRID
CHANNELS = 3


def tiny_bundle(directory: Path, image_size: int = 32, *, seed: int = 0, threshold: float = 0.5, **facts: Any) -> Path:
    """Write a bundle that `Engine.load` reads into `directory` and return it.

    Its answer depends on the picture: what is bright in the middle speaks for COVID, what is bright at the edge
    against. side: a multiple of GRID. facts: what else model.json says.
    """
    trunk = directory.with_name(directory.name + ".trunk")
    trunk.mkdir(parents=True, exist_ok=True)
    _write_trunk(trunk, image_size, seed)
    write_bundle(directory, trunk, tiny_head(seed), _facts(image_size, threshold) | facts)
    return directory


def complete_tiny_bundle(directory: Path, image_size: int = 32, **facts: Any) -> Path:
    """A tiny bundle with all parts: a gate for which a bright left half is a lateral view, and a segmenter for which
    what is dark is lung."""
    bare = tiny_bundle(directory.with_name(directory.name + ".bare"), image_size, **facts)
    parts = directory.with_name(directory.name + ".parts")
    parts.mkdir()
    left_is_lateral().save(parts / GATE_FILE)
    dark_is_lung(parts)
    complete_bundle(directory, bare, {}, {path.name: path for path in parts.iterdir()})
    return directory


def left_is_lateral() -> Gate:
    """Passes what is about as bright on the left as on the right."""
    left_less_right = np.ones((THUMBNAIL, THUMBNAIL)) * 2 / THUMBNAIL**2
    left_less_right[:, THUMBNAIL // 2 :] *= -1
    output = np.array([[0.0, 10.0]])
    return Gate(
        ("frontal", "lateral"), (left_less_right.reshape(-1, 1), np.zeros(1)), (output, np.array([2.0, 0.0])), 0
    )


def dark_is_lung(directory: Path, image_size: int = 16) -> Path:
    """A network that calls every pixel below the middle grey lung."""
    import openvino as ov
    from openvino import opset13 as ops

    pixels = ops.parameter([-1, image_size, image_size, 1], ov.Type.u8, name="pixels")
    darkness = ops.subtract(np.float32(128), ops.convert(pixels, "f32"))
    ov.save_model(ov.Model([ops.sigmoid(darkness)], [pixels], "dark"), directory / LUNGS_FILE)
    return directory / LUNGS_FILE


def tiny_head(seed: int = 0) -> Head:
    rng = np.random.default_rng(seed)
    weights = rng.normal(-0.3, 0.1, (GRID, GRID, CHANNELS)).astype(np.float32)
    weights[1:-1, 1:-1] += 0.9
    return Head("flatten", weights, bias=0.0)


def _facts(image_size: int, threshold: float) -> dict[str, Any]:
    return {
        "name": "covid-cxr",
        "backbone": "tiny",
        "side": image_size,
        "classes": ["NonCOVID", "COVID"],
        "temperature": 1.0,
        "threshold": threshold,
    }


def _write_trunk(directory: Path, image_size: int, seed: int) -> None:
    import openvino as ov
    from openvino import opset13 as ops

    cell = image_size // GRID
    mixing = np.random.default_rng(seed).uniform(0.5, 1.5, (CHANNELS, 1, 1, 1)).astype(np.float32)
    pixels = ops.parameter([-1, image_size, image_size, 1], ov.Type.u8, name="pixels")
    grey = ops.divide(ops.convert(pixels, "f32"), np.float32(255))
    planes = ops.transpose(grey, np.array([0, 3, 1, 2]))
    pooled = ops.avg_pool(planes, [cell, cell], [0, 0], [0, 0], [cell, cell], exclude_pad=True)
    mixed = ops.relu(ops.convolution(pooled, mixing, [1, 1], [0, 0], [0, 0], [1, 1]))
    features = ops.transpose(mixed, np.array([0, 2, 3, 1]))
    ov.save_model(ov.Model([features], [pixels], "tiny"), directory / "trunk.xml", compress_to_fp16=False)
