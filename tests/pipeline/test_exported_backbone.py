"""`dvc repro` with a backbone that comes as a file, from the features stage to the champion."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from cxr.common.atomic_files import read_json
from cxr.inference.engine import Engine
from tests.pipeline.conftest import Workspace, small_workspace
from tests.toy_backbone import write_onnx

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_an_exported_backbone_goes_all_the_way_to_the_champion(finished: Workspace, tmp_path: Path) -> None:
    entry = asdict(write_onnx(tmp_path))
    entry |= {"mean": list(entry["mean"]), "std": list(entry["std"])}
    changes = {
        "features": {
            "precision": "f32",  # no eight-bit trunk: it takes longer than all else here
            "weights": {"toy": "exported"},
            "cut": {"toy": ""},
            "exported!": {"toy": entry},
        },
        "train": {"backbones": ["toy"]},
        "register": {"model": "covid-cxr-toy"},  # it has no champion yet
    }
    workspace = small_workspace(finished.copy(tmp_path / "exported").folder, changes)
    workspace.dvc("repro", "register")
    reports = workspace.folder / "reports/models/toy"
    assert {"validation.json", "audit.json", "precision.json"} <= {path.name for path in reports.iterdir()}
    champion = Engine.load(workspace.folder / "models/champion")
    assert champion.facts.backbone == "toy"
    pixels = np.load(workspace.folder / "data/pixels.npy")[:3]
    shares = champion.shares(pixels).sum(axis=(1, 2))
    np.testing.assert_allclose(shares + champion.head.bias, champion.logits(pixels), atol=1e-4)
    assert read_json(workspace.folder / "reports/register.json")["winner"] == "toy"

    params = workspace.folder / "params.yaml"
    params.write_text(params.read_text().replace("fine_tune: 0", "fine_tune: 1"))
    refused = workspace.dvc("repro", "--single-item", "train@toy", check=False)
    assert refused.returncode != 0
    assert "toy is an exported backbone" in refused.stdout + refused.stderr
