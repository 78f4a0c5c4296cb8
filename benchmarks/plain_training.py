"""How good does the plain way get in limited time? Keras' `fit` on the pipeline's own training images for some
minutes, and its AUC on the validation patients against the pipeline's, which chose its epoch on them.

    python -m benchmarks.plain_training WORKSPACE [--minutes 20] [--out docs/results/plain.json]

WORKSPACE is where the pipeline ran (`make real`); CXR_WEIGHTS names the pretrained weights. Minutes are processor time
divided by the number of cores: other work on the machine lengthens the run, but does not shorten the training. The last
epoch is finished, so the plain way gets a little more than its time.
"""

import argparse
import datetime
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.plain_way import build
from cxr.common.atomic_files import write_json
from cxr.common.config import load_params
from cxr.common.paths import INDEX, MODEL_REPORTS, PIXELS, SPLIT
from cxr.data.dataset import Dataset, Split
from cxr.data.predictions import read_probabilities
from cxr.evaluation.metrics import evaluate, paired_difference
from cxr.evaluation.settings import EvaluateParams
from tools.machine import machine

BACKBONE = "inceptionv3"
BATCH = 32


def main() -> None:
    given = _arguments()
    out = given.out.absolute()
    os.chdir(given.workspace)  # the pipeline's files and params.yaml are named relative to it
    result = measure(60 * given.minutes, given.trained)
    write_json(result, out)
    print(f"plain way: {result['plain']['epochs']} epochs, AUC {result['plain']['auc']['value']:.4f}")
    print(f"pipeline: AUC {result['pipeline_auc']['value']:.4f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--out", type=Path, default=Path("docs/results/plain.json"))
    parser.add_argument("--trained", default=BACKBONE, help="backbone whose validation answers are compared with")
    return parser.parse_args()


def measure(seconds: float, backbone: str = BACKBONE) -> dict[str, Any]:
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    params = load_params(EvaluateParams)
    train = data.split("train")
    validation = data.split("validation")
    model = build(data.pixels.shape[1])
    x = _three_channels(train)
    epochs = 0
    started = _used_s()
    while _used_s() - started < seconds:
        model.fit(x, train.y, batch_size=BATCH, epochs=1, verbose=0)
        epochs += 1
    took = _used_s() - started
    p_plain = model.predict(_three_channels(validation), batch_size=BATCH, verbose=0)[:, 1].astype(np.float64)
    p_pipeline = read_probabilities(MODEL_REPORTS / backbone / "validation.csv", validation)
    patients = list(validation.patients)
    difference = paired_difference(validation.y, p_pipeline, p_plain, patients, params, metric="auc")
    return {
        "command": "make bench-plain",
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "load_average_at_end": round(os.getloadavg()[0], 1),
        "plain": {
            "epochs": epochs,
            "minutes": round(took / 60, 1),
            "images_per_s": round(epochs * len(train.y) / took, 1),
            "auc": evaluate(validation.y, p_plain, patients, 0.5, params)["auc"],
        },
        "pipeline_auc": evaluate(validation.y, p_pipeline, patients, 0.5, params)["auc"],
        "pipeline_minus_plain": {"value": difference.value, "low": difference.low, "high": difference.high},
        "images": {"train": len(train.rows), "validation": len(validation.rows)},
    }


def _used_s() -> float:
    return time.process_time() / (os.cpu_count() or 1)


def _three_channels(split: Split) -> np.ndarray:
    return np.repeat(split.pixels[..., None], 3, axis=-1)


if __name__ == "__main__":
    main()
