"""Export InceptionV3, and its eight-bit copy where this machine profits from one, for the questions that time it."""

import os
from pathlib import Path

import numpy as np

from benchmarks.pictures import picture
from cxr.features.quantization import Agreement, ensure_int8, read_agreement
from cxr.features.trunks import TrunkSpec, ensure_trunk, running_precision
from cxr.inference.precision import Precision, available

CALIBRATION = range(10_000, 10_100)  # pictures that no question times
COMPARED = range(20_000, 20_032)


def export_float(folder: Path, image_size: int) -> None:
    """Write the trunk into `folder`. The weights are those of CXR_WEIGHTS, else random."""
    ensure_trunk(TrunkSpec("inceptionv3", image_size, "bench"), os.environ.get("CXR_WEIGHTS", "random"), 20, folder)


def export(folder: Path, image_size: int) -> tuple[Precision, Agreement | None]:
    """Write both trunks into `folder`. Returns the fastest precision to fill a cache in, and how far eight bits agree.

    The ranges of the eight-bit trunk come from synthetic radiographs.
    """
    export_float(folder, image_size)
    if "int8" in available():
        compared = np.stack([picture(number, image_size) for number in COMPARED])
        ensure_int8(folder, [picture(number, image_size) for number in CALIBRATION], compared)
    return running_precision(folder, "auto"), read_agreement(folder)
