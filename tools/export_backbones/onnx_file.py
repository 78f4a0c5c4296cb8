"""What the exports share: write a network to one ONNX file, and compare the file's answers with the network's."""

import hashlib
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

LARGEST_DIFFERENCE = 1e-3  # of the map, relative to its largest value


@dataclass(frozen=True)
class Input:
    """What the network takes: pixels from 0 to 255 as (pixel / 255 - mean) / std, channels first."""

    image_size: int
    channels: int
    mean: float
    std: float


def write(network: Any, given: Input, out: Path) -> None:
    """Write the torch.nn.Module `network` to `out`, and print the entry for params.yaml.

    The file's input is "image", float32[n, channels, size, size]; its output is "features", float32[n, c, h, w].
    Exits where the file and the network disagree.
    """
    import onnx
    import torch

    shape = (given.channels, given.image_size, given.image_size)
    program = torch.onnx.export(
        network.eval(),
        (torch.zeros(2, *shape),),
        dynamo=True,
        opset_version=18,
        verbose=False,
        input_names=["image"],
        output_names=["features"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )
    model = program.model_proto
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.initializer, *model.graph.input):
        del part.metadata_props[:]  # names of this machine's folders: with them each machine has another SHA-256
    onnx.save(model, out)  # the weights inside: one SHA-256 covers all
    print(_comparison(network, given, shape, out))
    print(_entry(given, out))


def _comparison(network: Any, given: Input, shape: tuple[int, int, int], out: Path) -> str:
    import openvino
    import torch

    pixels = np.random.default_rng(0).integers(0, 256, (3, *shape))
    images = ((pixels / 255 - given.mean) / given.std).astype(np.float32)
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    model = openvino.Core().compile_model(out, "CPU", settings)
    with torch.inference_mode():
        expected = network(torch.from_numpy(images)).numpy()
    difference = np.abs(model(images)["features"] - expected).max() / np.abs(expected).max()
    if not difference < LARGEST_DIFFERENCE:  # in this form it stops at NaN too
        raise SystemExit(f"{out}: OpenVINO's map differs from PyTorch's by {difference:.1e}. Do not use this file.")
    start = time.perf_counter()
    model(images[:1])
    seconds = time.perf_counter() - start
    return f"# map {expected.shape[1:]}, largest difference {difference:.1e}, {seconds:.2f} s a picture on one core"


def _entry(given: Input, out: Path) -> str:
    facts = asdict(given) | {"mean": [given.mean], "std": [given.std], "order": "NCHW", "output": "features"}
    lines = ["kind: openvino_or_onnx", f"file: {out}", f"sha256: {hashlib.sha256(out.read_bytes()).hexdigest()}"]
    lines += [f"{key}: {value}" for key, value in facts.items()]
    return "\n".join(lines)
