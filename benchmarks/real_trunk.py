"""InceptionV3 exported, with its eight-bit twin where this machine profits from one: what several questions time."""

import os
from pathlib import Path

import numpy as np

from benchmarks.pictures import picture
from cxr.precision import Precision, available
from cxr.quantising import Agreement, ensure_int8, read_agreement
from cxr.trunks import TrunkSpec, ensure_trunk, running_precision

CALIBRATION = range(10_000, 10_100)  # pictures that no question times
COMPARED = range(20_000, 20_032)


def export(folder: Path, side: int) -> tuple[Precision, Agreement | None]:
    """Leave the trunk in `folder`; the fastest precision to fill a bank in, and how eight bits agree with float32.

    The weights are those of CXR_WEIGHTS, else random. The ranges come from synthetic radiographs."""
    weights = os.environ.get("CXR_WEIGHTS", "random")
    ensure_trunk(TrunkSpec("inceptionv3", side, "bench"), weights, 20, folder)
    if "int8" in available():
        compared = np.stack([picture(number, side) for number in COMPARED])
        ensure_int8(folder, [picture(number, side) for number in CALIBRATION], compared)
    return running_precision(folder, "auto"), read_agreement(folder)
