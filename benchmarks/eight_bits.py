"""What do eight bits gain, and what do they cost, as more of the trunk's first convolutions stay floating point?"""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import median_wall_s, run_question, turns
from benchmarks.pictures import picture
from benchmarks.real_trunk import CALIBRATION, COMPARED, export_float
from cxr.features.quantization import compare, quantise
from cxr.inference.bundle import link_or_copy
from cxr.inference.engine import Trunk, trunk_file
from cxr.inference.precision import available, fastest_float


def measure(image_size: int = 299, images: int = 64, rounds: int = 5, kept: list[int] | None = None) -> dict[str, Any]:
    """By number of convolutions kept in floating point: images a second, and the cosines of feature maps to float32's.

    The contestants take turns with the faster floating-point trunk. Empty where this machine has no eight-bit
    instructions.
    """
    variants = ([0, 2, 3, 5] if kept is None else kept) if "int8" in available() else []
    pixels = np.stack([picture(number, image_size) for number in range(images)])
    compared = np.stack([picture(number, image_size) for number in COMPARED])
    views = [picture(number, image_size) for number in CALIBRATION]
    with tempfile.TemporaryDirectory() as name:
        export_float(Path(name) / "float", image_size)
        contestants = {"floating point": Trunk(trunk_file(Path(name) / "float", "f32"), fastest_float())}
        agreement = {}
        for count in variants:
            folder = Path(name) / str(count)
            folder.mkdir()
            for part in ("trunk.xml", "trunk.bin"):
                link_or_copy(Path(name) / "float" / part, folder / part)
            quantise(folder, views, count)
            agreement[str(count)] = compare(folder, compared)
            contestants[str(count)] = Trunk(trunk_file(folder, "int8"), "int8")
    costs = turns({name: partial(trunk.feature_maps, pixels) for name, trunk in contestants.items()}, rounds)
    rates = {name: images / median_wall_s(each) for name, each in costs.items()}
    return {
        "size": {"image_size": image_size, "images": images, "rounds": rounds},
        "floating_point": {"precision": fastest_float(), "images_per_s": rates["floating point"]},
        "kept": {
            name: {
                "images_per_s": rates[name],
                "times_floating_point": rates[name] / rates["floating point"],
                "least_cosine": found.least_cosine,
                "mean_cosine": found.mean_cosine,
            }
            for name, found in agreement.items()
        },
    }


if __name__ == "__main__":
    run_question(measure)
