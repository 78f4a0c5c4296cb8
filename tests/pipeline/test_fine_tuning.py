"""The train stage with fine-tuning, as `dvc repro` runs it, on phantoms with random weights."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from cxr.common.atomic_files import sha256_of
from cxr.inference.engine import Engine
from tests.pipeline.conftest import Workspace, small_workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
TUNED = {
    "features": {"precision": "f32"},  # no eight-bit trunk: it takes longer than all else here
    "train": {
        "backbones": ["vgg16"],
        "head": "average",
        "fine_tune": 1,
        "fine_tune_epochs": 2,
        "fine_tune_learning_rate": 1e-5,
    },
}


def test_a_training_with_fine_tuning_is_recorded_and_its_model_answers_as_recorded(
    finished: Workspace, tmp_path: Path
) -> None:
    workspace = small_workspace(finished.copy(tmp_path / "tuned").folder, TUNED)
    workspace.dvc("repro", "train@vgg16")
    model, reports = workspace.folder / "models/trained/vgg16", workspace.folder / "reports/models/vgg16"
    with (reports / "history.csv").open() as handle:
        epochs = [int(row["epoch"]) for row in csv.DictReader(handle) if row["split"] == "validation"]
    assert epochs == [1, 2, 3, 4, 5, 6, 7]
    facts = json.loads((model / "model.json").read_text())
    # Whether it helped is up to so few pictures and random weights; the trunk must be the one that the facts say.
    frozen = sha256_of(workspace.folder / "data/features/vgg16/trunk.bin")
    assert (sha256_of(model / "trunk.bin") != frozen) == (facts.get("fine_tuned_blocks") == 1)
    with (reports / "validation.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    with (workspace.folder / "data/index.csv").open() as handle:
        position = {row["path"]: i for i, row in enumerate(csv.DictReader(handle))}
    pixels = np.load(workspace.folder / "data/pixels.npy")[[position[row["path"]] for row in rows]]
    recorded = [float(row["p_covid"]) for row in rows]
    np.testing.assert_allclose(Engine.load(model).predict(pixels), recorded, atol=1e-5)
