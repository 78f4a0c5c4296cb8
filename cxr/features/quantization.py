"""The trunk in eight-bit integers: made once from the float32 one, and used only where their features agree.

Post-training quantisation by NNCF (Jacob et al. 2018): the ranges of all activations are read off pictures. Ranges are
the least and the largest value seen, since X-rays have rare strong channels that trimmed ranges, NNCF's default, cut
off. They are seen on augmented views of training images, as the cache has them. The first convolutions stay floating
point: a little speed for a feature map that is much nearer (the question eight_bits of `make bench`).
"""

import contextlib
import io
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cxr.common.atomic_files import read_json, sha256_of, write_json
from cxr.common.usage_reports import switch_off
from cxr.inference.engine import INT8_FILES, Trunk, trunk_file
from cxr.networks.lung_attention import SHARE

LEAST_COSINE = 0.99
KEPT_CONVOLUTIONS = 3  # the first ones, in floating point
CALIBRATION_SAMPLES = 200
COMPARED_PICTURES = 64
RECORD = "int8.json"


@dataclass(frozen=True)
class Agreement:
    """How near eight-bit feature maps come to float32's on pictures that were not used for the ranges: the cosine of
    each picture's whole map. sha256: of int8.bin."""

    least_cosine: float
    mean_cosine: float
    pictures: int
    sha256: str

    @property
    def holds(self) -> bool:
        return self.least_cosine >= LEAST_COSINE


def ensure_int8(directory: Path, views: Sequence[np.ndarray], compared: np.ndarray) -> Agreement:
    """Leave int8.xml, int8.bin and int8.json beside the trunk in `directory`, unless they are there.

    views: uint8[size, size] each, of training images, that set the ranges. compared: uint8[n, size, size], of others.
    """
    found = read_agreement(directory)
    if found is None:
        quantise(directory, views)
        found = compare(directory, compared)
        write_json(asdict(found), directory / RECORD)
    return found


def read_agreement(directory: Path) -> Agreement | None:
    """Of the eight-bit trunk in `directory`; None where there is none."""
    complete = all((directory / name).is_file() for name in (*INT8_FILES, RECORD))
    return Agreement(**read_json(directory / RECORD)) if complete else None


def quantise(directory: Path, views: Sequence[np.ndarray], kept: int = KEPT_CONVOLUTIONS) -> None:
    """Write int8.xml and int8.bin beside trunk.xml. views: uint8[size, size] each. kept: so many of the first
    convolutions stay in floating point, and those of a lung segmenter."""
    switch_off()
    import nncf
    import openvino as ov
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    nncf.set_log_level(logging.ERROR)
    model = ov.Core().read_model(trunk_file(directory, "f32"))
    inside = _of_the_segmenter(model)
    convolutions = [op.get_friendly_name() for op in model.get_ordered_ops() if op.get_type_name() == "Convolution"]
    # Not all of these are operations to NNCF, constants for one; hence no validation below.
    floating = [*sorted(inside), *[name for name in convolutions if name not in inside][:kept]]
    ranges = nncf.AdvancedQuantizationParameters(activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX)
    with contextlib.redirect_stdout(io.StringIO()):  # its progress bars ask no terminal whether it is one
        quantised = nncf.quantize(
            model,
            nncf.Dataset([picture[None, ..., None] for picture in views]),
            subset_size=len(views),
            preset=nncf.QuantizationPreset.MIXED,
            ignored_scope=nncf.IgnoredScope(names=floating, validate=False),
            advanced_parameters=ranges,
        )
    ov.save_model(quantised, trunk_file(directory, "int8"), compress_to_fp16=False)


def _of_the_segmenter(model: Any) -> set[str]:
    """Names of all that leads to the weights by which a trunk that looks at the lungs weighs its map; empty where it
    looks at the whole picture. It stays in floating point: it is small, and every place's weight depends on it."""
    named = (op for op in model.get_ordered_ops() if f"/{SHARE}" in op.get_friendly_name())
    waiting = [op for op in named if op.get_type_name() != "FakeQuantize"]  # the finished share may be rounded
    found: set[str] = set()
    while waiting:
        op = waiting.pop()
        if op.get_friendly_name() not in found:
            found.add(op.get_friendly_name())
            waiting.extend(value.get_source_output().get_node() for value in op.inputs())
    return found


def compare(directory: Path, pictures: np.ndarray) -> Agreement:
    """pictures: uint8[n, size, size]."""
    exact, eight_bits = (
        Trunk(trunk_file(directory, precision), precision).feature_maps(pictures).reshape(len(pictures), -1)
        for precision in ("f32", "int8")
    )
    cosine = cosines(exact, eight_bits)
    weights = sha256_of(trunk_file(directory, "int8").with_suffix(".bin"))
    return Agreement(float(cosine.min()), float(cosine.mean()), len(pictures), weights)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float64[n] between the rows of two float[n, d]; 1 where both are zero, 0 where one is."""
    a = a.astype(np.float64)
    b = b.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    silent = (np.linalg.norm(a, axis=1) == 0) & (np.linalg.norm(b, axis=1) == 0)
    return np.where(silent, 1.0, (a * b).sum(axis=1) / np.where(norms == 0, 1.0, norms))
