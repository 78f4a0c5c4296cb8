"""The scripts that export chest-pretrained networks, with random weights, and what they write as a trunk."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from cxr.inference.engine import Trunk
from cxr.networks.exported import write_exported_trunk
from cxr.networks.settings import ExportedBackbone
from tests.labelled import pictures

ROOT = Path(__file__).parents[2]
SCRIPTS = {
    # script: its packages, the shape of the map, whether its features can be negative
    "torchxrayvision_densenet": (("torch", "torchxrayvision", "onnx", "onnxscript"), (7, 7, 1024), False),
    "rad_dino": (("torch", "transformers", "onnx", "onnxscript"), (37, 37, 768), True),
}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("script", SCRIPTS)
def test_an_export_with_random_weights_becomes_a_trunk(script: str, tmp_path: Path) -> None:
    packages, shape, signed = SCRIPTS[script]
    for package in packages:
        pytest.importorskip(package, reason=f"{package} is not installed; docs/backbones.md says what the export needs")
    file = tmp_path / "exported.onnx"
    command = [sys.executable, "-m", f"tools.export_backbones.{script}", "--random", "--out", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    entry = entry_of(done.stdout)
    write_exported_trunk(script, entry, 299, tmp_path)
    trunk = Trunk(tmp_path / "trunk.xml", threads=1)
    maps = trunk(pictures(1, 299))
    assert trunk.shape == shape == maps.shape[1:]
    assert (maps.min() < 0) == signed
    assert np.isfinite(maps).all()


def entry_of(printed: str) -> ExportedBackbone:
    """The entry for params.yaml that a script prints; what is no entry stands behind a #."""
    facts = yaml.safe_load(printed[printed.index("# map") :])
    return ExportedBackbone(**{key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()})


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_script_declares_what_its_entry_needs_without_pytorch(script: str, tmp_path: Path) -> None:
    module = importlib.import_module(f"tools.export_backbones.{script}")
    shared = importlib.import_module("tools.export_backbones.onnx_file")
    assert module.INPUT.image_size % SCRIPTS[script][1][0] == 0  # whole patches or cells
    file = tmp_path / "exported.onnx"
    file.write_bytes(b"weights")
    entry = entry_of(f"# map\n{shared._entry(module.INPUT, file)}")
    assert (entry.image_size, entry.channels) == (module.INPUT.image_size, module.INPUT.channels)
    assert (entry.mean, entry.std) == ((module.INPUT.mean,), (module.INPUT.std,))
    assert (entry.order, entry.output, entry.file) == ("NCHW", "features", str(file))
