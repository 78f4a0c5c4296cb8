"""A complete model in milliseconds, without TensorFlow: average pooling, one convolution, and a linear head."""

from pathlib import Path
from typing import Any

import numpy as np

from cxr.bundle import write_bundle
from cxr.head import Head

GRID = 4  # the feature map is GRID by GRID
CHANNELS = 3


def tiny_bundle(directory: Path, side: int = 32, *, seed: int = 0, threshold: float = 0.5, **facts: Any) -> Path:
    """Write a bundle that `Engine.load` reads into `directory` and return it.

    Its answer depends on the picture: what is bright in the middle speaks for COVID, what is bright at the edge
    against. side: a multiple of GRID. facts: what else model.json says.
    """
    trunk = directory.with_name(directory.name + ".trunk")
    trunk.mkdir(parents=True, exist_ok=True)
    _write_trunk(trunk, side, seed)
    write_bundle(directory, trunk, tiny_head(seed), _facts(side, threshold) | facts)
    return directory


def tiny_head(seed: int = 0) -> Head:
    rng = np.random.default_rng(seed)
    weights = rng.normal(-0.3, 0.1, (GRID, GRID, CHANNELS)).astype(np.float32)
    weights[1:-1, 1:-1] += 0.9
    return Head("flatten", weights, bias=0.0)


def _facts(side: int, threshold: float) -> dict[str, Any]:
    return {
        "name": "covid-cxr",
        "backbone": "tiny",
        "side": side,
        "classes": ["NonCOVID", "COVID"],
        "temperature": 1.0,
        "threshold": threshold,
    }


def _write_trunk(directory: Path, side: int, seed: int) -> None:
    import openvino as ov
    from openvino import opset13 as ops

    cell = side // GRID
    mixing = np.random.default_rng(seed).uniform(0.5, 1.5, (CHANNELS, 1, 1, 1)).astype(np.float32)
    pixels = ops.parameter([-1, side, side, 1], ov.Type.u8, name="pixels")
    grey = ops.divide(ops.convert(pixels, "f32"), np.float32(255))
    planes = ops.transpose(grey, np.array([0, 3, 1, 2]))
    pooled = ops.avg_pool(planes, [cell, cell], [0, 0], [0, 0], [cell, cell], exclude_pad=True)
    mixed = ops.relu(ops.convolution(pooled, mixing, [1, 1], [0, 0], [0, 0], [1, 1]))
    features = ops.transpose(mixed, np.array([0, 2, 3, 1]))
    ov.save_model(ov.Model([features], [pixels], "tiny"), directory / "trunk.xml", compress_to_fp16=False)
