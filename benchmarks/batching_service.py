"""Serve the same engine with BentoML's adaptive batching, to compare it with one inference per request."""

import os
from pathlib import Path

import bentoml
import numpy as np

from cxr.imaging.base64_payload import decode_base64
from cxr.imaging.decode import to_pixels
from cxr.inference.engine import Engine

MAX_BYTES = 20 * 2**20


@bentoml.service(
    name="adaptive",
    workers=1,
    threads=2,
    traffic={"timeout": 120},
    envs=[{"name": "OPENBLAS_NUM_THREADS", "value": "1"}],  # as service.py does
)
class Batching:
    def __init__(self) -> None:
        self._engine = Engine.load(
            Path(os.environ["BENCH_BUNDLE"]), precision=os.environ["CXR_PRECISION"], latency=True
        )  # type: ignore[arg-type]
        self._engine.predict(np.zeros((1, self._engine.image_size, self._engine.image_size), np.uint8))

    @bentoml.api(batchable=True, max_batch_size=8, max_latency_ms=60_000)
    def predict(self, image: list[str]) -> list[float]:
        pixels = np.stack([to_pixels(decode_base64(text, MAX_BYTES), self._engine.image_size) for text in image])
        logits = self._engine.head.logits(self._engine.trunk(pixels))
        return self._engine.probabilities(logits).tolist()
