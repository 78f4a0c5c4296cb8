"""Compare ways to tell pictures of an unknown source, on the folds of the yardstick; no test patient takes part.

    cd WORKSPACE && python -m tools.familiarity --out FILE

Run the pipeline up to the stage `unseen` first: the features of all pictures are then kept. Each way is fitted to a
fold's training pictures, ranked among its validation pictures, and asked about the sources that the fold leaves out.
"""

import argparse
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cxr.common.atomic_files import write_json
from cxr.common.paths import FEATURE_CACHE, INDEX, PIXELS, SPLIT, TRAINED
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset
from cxr.evaluation.weighted_metrics import auc
from cxr.features.cached_engine import cached_engine
from cxr.inference.engine import Engine
from cxr.inference.familiarity import UNFAMILIAR, Array, Familiarity, directions_of, ranks
from cxr.training.familiarity_fit import means_of, ranked_apart, usual_and_centres
from cxr.unseen.plan import Fold, plan_folds
from cxr.unseen.training import FoldPictures, fold_pictures
from tools.machine import machine

Means = npt.NDArray[np.float32]
Distance = Callable[[Means], Array]  # float32[n, c] to float64[n]
Fit = Callable[[Means, list[str]], Distance]  # of training pictures and their sources


def main(backbone: str, out: Path) -> str:
    pictures = fold_pictures(Dataset.read(INDEX, SPLIT, PIXELS))
    engine = cached_engine(Engine.load(TRAINED / backbone), FEATURE_CACHE)
    means = means_of(engine, pictures.split)
    folds = [fold for fold in plan_folds(pictures.columns).folds if fold.left_out]
    rows = {name: _judged(fit, means, pictures, folds) for name, fit in WAYS.items()}
    result: dict[str, Any] = {
        "command": f"cd WORKSPACE && python -m tools.familiarity --backbone {backbone} --out FILE",
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "folds": ["+".join(fold.left_out) for fold in folds],
        "ways": rows,
    }
    write_json(result, out)
    return f"{out}: {len(rows)} ways on {len(folds)} folds"


def _judged(fit: Fit, means: Means, pictures: FoldPictures, folds: list[Fold]) -> dict[str, Any]:
    """Means over folds, and over folds and sources left out: what is warned of at `UNFAMILIAR`, and the AUC of unknown
    against known pictures."""
    columns = pictures.columns
    known_shares, warned, aucs = [], [], []
    for fold in folds:
        distance = fit(means[fold.train], columns.of_source[fold.train].tolist())
        known = distance(means[fold.validation])
        known_shares.append((ranked_apart(known, columns.of_patient[fold.validation]) <= UNFAMILIAR).mean())
        for source in fold.left_out:
            asked = fold.asked[columns.of_source[fold.asked] == source]
            unknown = distance(means[asked])
            warned.append((ranks(np.sort(known), unknown) <= UNFAMILIAR).mean())
            both = np.concatenate([known, unknown])
            unseen = np.arange(len(both)) >= len(known)
            aucs.append(auc(unseen, both, np.ones((1, len(both))))[0])
    found = {"warned_known": known_shares, "warned_unseen": warned, "auc": aucs}
    return {name: round(float(np.mean(values)), 3) for name, values in found.items()}


def _mahalanobis(means: Means, sources: list[str]) -> Distance:
    usual, centres = usual_and_centres(means, sources)
    return Familiarity(usual, centres, np.zeros(1)).distances


def _mahalanobis_of_lengths(means: Means, sources: list[str]) -> Distance:
    """The same, of the means as they are: how bright the map is as a whole counts too."""
    from sklearn.covariance import LedoitWolf
    from sklearn.decomposition import PCA

    scale = PCA(min(64, len(means) // 2), random_state=0).fit(means)
    names, of_source = np.unique(np.array(sources), return_inverse=True)
    along = scale.transform(means)
    centres = np.stack([along[of_source == number].mean(axis=0) for number in range(len(names))])
    spread = LedoitWolf(assume_centered=True).fit(along - centres[of_source])

    def distance(asked: Means) -> Array:
        away = scale.transform(asked)[:, None] - centres
        return np.min([spread.mahalanobis(away[:, number]) for number in range(len(names))], axis=0)

    return distance


def _neighbour(number: int, unit: Callable[[Means], Array]) -> Fit:
    """Less the cosine of the number-th nearest training picture (Sun et al. 2022)."""

    def fit(means: Means, sources: list[str]) -> Distance:
        kept = unit(means)
        return lambda asked: -np.sort(unit(asked) @ kept.T, axis=1)[:, -number]

    return fit


def _unit(means: Means) -> Array:
    return means / np.linalg.norm(means.astype(np.float64), axis=1, keepdims=True)


WAYS: dict[str, Fit] = {
    "Mahalanobis of roots, shrunk (the project's)": _mahalanobis,
    "Mahalanobis of means, 64 components, Ledoit-Wolf": _mahalanobis_of_lengths,
    "nearest neighbour, cosine of means": _neighbour(1, _unit),
    "fifth nearest neighbour, cosine of means": _neighbour(5, _unit),
    "nearest neighbour, cosine of roots": _neighbour(1, directions_of),
    "fifth nearest neighbour, cosine of roots": _neighbour(5, directions_of),
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="inceptionv3")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    run_stage(lambda: main(arguments.backbone, arguments.out))
