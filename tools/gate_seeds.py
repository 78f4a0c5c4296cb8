"""Measure the gate at several seeds: train it in a finished workspace, and write what it refuses of each kind.

    python -m tools.gate_seeds WORKSPACE --seeds 20 21 22 23 --unseen NAME=FOLDER --out docs/results/gate.json

The seed draws the examples, the folds and the networks' first weights; patients keep their splits. Nothing is written
into the workspace. `cross_fitted` holds, for several values of `gate.false_refusals`, what training and validation
patients show: the setting is chosen by it, and by nothing else in the file.
"""

import argparse
import datetime
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from cxr.common.atomic_files import write_json
from cxr.common.config import load_params
from cxr.common.paths import INDEX, OTHER_VIEWS, PIXELS, RAW, SPLIT
from cxr.data.dataset import Dataset
from cxr.data.manifest import OtherView, read_rows
from cxr.data.settings import SplitParams
from cxr.evaluation.settings import EvaluateParams
from cxr.gate.dataset import COLLECTED, LEARNED, GateDataset, frontal_pictures, joined, other_views
from cxr.gate.report import gate_report
from cxr.gate.settings import GateParams
from cxr.gate.train import TrainedGate, odds_apart, threshold_for, train_gate
from cxr.imaging.decode import to_pixels
from cxr.inference.gate import FRONTAL
from tools.machine import machine

SHARES = (0.003, 0.005, 0.0075, 0.01)  # of `gate.false_refusals`, to choose from


def main() -> None:
    arguments = _arguments()
    out = arguments.out.resolve()
    unseen = {name: Path(folder).resolve() for name, folder in arguments.unseen}
    os.chdir(arguments.workspace)
    dataset = read_dataset()
    settings = load_params(GateParams)
    image_size = dataset.pictures.shape[1]
    strangers = {name: read_pictures(folder, image_size) for name, folder in unseen.items()}
    result: dict[str, Any] = {
        "command": arguments.command,
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "settings": asdict(settings),
        "seeds": {},
    }
    for seed in arguments.seeds:
        params = replace(settings, seed=seed)
        trained = train_gate(dataset, params)
        result["seeds"][str(seed)] = measured(trained, dataset, strangers, params, load_params(EvaluateParams))
        write_json(result, out)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path, help="where the stages index, split and pixels have run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[20, 21, 22, 23])
    parser.add_argument(
        "--unseen",
        nargs="*",
        default=[],
        type=lambda text: text.split("=", 1),
        metavar="NAME=FOLDER",
        help="frontal X-rays of a hospital that the workspace does not have",
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--command", default="", help="the command that a person types; it is written into the file")
    return parser.parse_args()


def read_dataset() -> GateDataset:
    """What the stage `gate` reads, from the current directory."""
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    listed = data.in_groups(read_rows(OtherView, OTHER_VIEWS))
    views = other_views(listed, RAW, data.pixels.shape[1], load_params(SplitParams))
    return joined(frontal_pictures(data), views)


def read_pictures(folder: Path, image_size: int) -> np.ndarray:
    """uint8[n, size, size] of all files in a folder."""
    return np.stack([to_pixels(path.read_bytes(), image_size) for path in sorted(folder.iterdir())])


def measured(
    trained: TrainedGate,
    dataset: GateDataset,
    strangers: dict[str, np.ndarray],
    params: GateParams,
    bootstrap: EvaluateParams,
) -> dict[str, Any]:
    """The gate's report, the share refused of each hospital's pictures that it has never seen, and the choice of
    `gate.false_refusals`."""
    refused = {
        name: {
            "images": len(pictures),
            "value": float(np.mean([trained.gate.refusal(p) is not None for p in pictures])),
        }
        for name, pictures in strangers.items()
    }
    return {
        "cross_fitted": cross_fitted(trained, dataset),
        "unseen_frontal_refused": refused,
        "report": gate_report(trained, dataset, params, bootstrap),
    }


def cross_fitted(trained: TrainedGate, dataset: GateDataset) -> dict[str, dict[str, float]]:
    """For each share of SHARES: the threshold, and the share of each kind that would be refused, training and
    validation patients only, frontal pictures also by source."""
    known = dataset.where(np.isin(dataset.splits, LEARNED))
    odds = odds_apart(trained, known)
    frontal = known.kinds == FRONTAL
    groups = {kind: known.kinds == kind for kind in (FRONTAL, *COLLECTED)}
    groups |= {f"{FRONTAL} {source}": frontal & (known.sources == source) for source in sorted(set(known.sources))}
    choice: dict[str, dict[str, float]] = {}
    for share in SHARES:
        threshold = threshold_for(odds[frontal], known.sources[frontal], share)
        rates = {name: float(np.mean(odds[some] < threshold)) for name, some in groups.items() if some.any()}
        choice[str(share)] = {"threshold": threshold, **rates}
    return choice


if __name__ == "__main__":
    main()
