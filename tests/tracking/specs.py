"""What the tests of tracking record and register."""

import json
from pathlib import Path

from cxr.tracking.spec import DataInput, RunSpec, plain
from cxr.training.settings import TrainParams

ROOT = Path(__file__).parents[2]
PREPARE = "from cxr.tracking.store import connect; connect()"
TRAIN = TrainParams(
    head="flatten",
    dropout=0.5,
    learning_rate=1e-4,
    weight_decay=0.0,
    batch_size=32,
    epochs=3,
    weighting="label",
    alignment=0.0,
    seed=1,
    sensitivity=0.9,
    fine_tune=0,
    fine_tune_epochs=1,
    fine_tune_learning_rate=1e-5,
    backbones=("inceptionv3", "vgg16"),
)


def some_spec(backbone: str = "inceptionv3", dropout: float = 0.5, split: str = "5" * 64) -> RunSpec:
    train = {**plain(TRAIN), "dropout": dropout}
    splits = [DataInput("x-rays", image_size, "phantom", "d" * 64, 20, 10) for image_size in ("train", "validation")]
    return RunSpec("covid-cxr", backbone, {"train": train, "pixels": {"image_size": 75}}, {"split": split}, splits)


def bundle_at(folder: Path, content: str = "weights") -> Path:
    folder.mkdir(parents=True)
    for name in ("trunk.xml", "trunk.bin", "head.npz"):
        (folder / name).write_text(content)
    (folder / "model.json").write_text(json.dumps({"side": 8, "threshold": 0.5}))
    return folder
