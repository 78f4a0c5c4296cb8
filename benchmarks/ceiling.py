"""Measure what the cores can do at best: a large matrix product with OpenVINO, which also runs the trunk."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measuring import median_wall_s, turns


def matrix_products(precisions: tuple[str, ...], image_size: int = 2048, rounds: int = 5) -> dict[str, float]:
    """GFLOP a second by precision, of square matrices; a multiply-add counts as two."""
    contestants = {precision: _product(precision, image_size) for precision in precisions}
    for warm_up in contestants.values():
        warm_up()
    costs = turns(contestants, rounds)
    return {precision: 2 * image_size**3 / median_wall_s(each) / 1e9 for precision, each in costs.items()}


def _product(precision: str, image_size: int) -> Callable[[], Any]:
    import openvino as ov
    from openvino import opset13 as ops

    rng = np.random.default_rng(4)
    given = ops.parameter([image_size, image_size], ov.Type.f32, name="given")
    constant = ops.constant(rng.standard_normal((image_size, image_size), np.float32))
    model = ov.Model([ops.matmul(given, constant, False, False)], [given], "product")
    options = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    request = ov.Core().compile_model(model, "CPU", options).create_infer_request()
    matrix = rng.standard_normal((image_size, image_size), np.float32)
    return lambda: request.infer([matrix])
