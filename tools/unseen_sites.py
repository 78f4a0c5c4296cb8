"""Commission sources that training left out, as the hospitals that they are; no test patient takes part.

    cd WORKSPACE && python -m tools.unseen_sites --out FILE

Run the pipeline up to the stage `unseen` first: the answers of all folds are then kept. A site is patients of a pair of
sources, drawn without replacement and answered by a model that has seen neither source. It is commissioned by the code
that commissions real ones. What is told of a site for use is of its certify patients, by whom nothing was chosen.
"""

import argparse
import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cxr.common.atomic_files import write_json
from cxr.common.config import load_params
from cxr.common.paths import FEATURE_CACHE, FEATURES, INDEX, PIXELS, SPLIT, UNSEEN_CACHE
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset
from cxr.features.settings import FeaturesParams
from cxr.networks.registry import Backbone
from cxr.site.decision import decide
from cxr.site.limits import SiteLimits
from cxr.site.parts import Shares
from cxr.training.settings import TrainParams
from cxr.unseen.plan import Fold, Images, Pair, plan_folds
from cxr.unseen.settings import UnseenParams
from cxr.unseen.training import FoldTrainer
from tools.machine import machine

PATIENTS = 150
PREVALENCE = 0.3
SITES = 50  # of each pair and seed
MOST_CALLED, LEAST_FOUND = 0.10, 0.85  # of negative and of positive certify patients: what a site is to reach


@dataclass(frozen=True)
class Answered:
    """The pictures of a pair, (n,) each, and the model's own threshold."""

    y: npt.NDArray[np.int_]
    p: npt.NDArray[np.float64]
    patients: npt.NDArray[np.str_]
    threshold: float


@dataclass(frozen=True)
class Outcome:
    """called, found: shares of negative and of positive certify patients called COVID; None where not for use."""

    for_use: bool
    called: float | None
    found: float | None


def main(backbone: Backbone, out: Path) -> str:
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    recipe = (load_params(TrainParams), load_params(FeaturesParams))
    trainer = FoldTrainer.open(backbone, data, FEATURES / backbone, recipe, FEATURE_CACHE, UNSEEN_CACHE)
    columns = trainer.pictures.columns
    plan = plan_folds(columns)
    seeds = load_params(UnseenParams).seeds
    answers = trainer.all_answers(plan.folds, seeds)
    folds = {fold.left_out: fold for fold in plan.folds}
    pairs = {}
    for pair in plan.pairs:
        fold = folds[pair.left_out]
        models = [answered(columns, fold, pair, kept.p_covid, kept.threshold) for kept in answers[fold.left_out]]
        pairs[str(pair)] = commissioned(models)
    write_json(
        {
            "command": f"cd WORKSPACE && python -m tools.unseen_sites --backbone {backbone} --out FILE",
            "date": datetime.date.today().isoformat(),
            "machine": machine(),
            "augmented_views": recipe[1].augmented_views,
            "patients": PATIENTS,
            "prevalence": PREVALENCE,
            "sites": SITES * seeds,
            "pairs": pairs,
        },
        out,
    )
    return f"{out}: {len(pairs)} pairs as sites"


def answered(columns: Images, fold: Fold, pair: Pair, p_covid: npt.NDArray[np.float64], threshold: float) -> Answered:
    """p_covid: of the images that the fold asks about, in its order."""
    covid, source = columns.covid[fold.asked], columns.of_source[fold.asked]
    mine = np.where(covid, source == pair.positive, source == pair.negative)
    return Answered(covid[mine].astype(int), p_covid[mine], columns.of_patient[fold.asked][mine], threshold)


def commissioned(models: Sequence[Answered]) -> dict[str, Any]:
    """What a pair's sites came to; before: of all its pictures, at the model's own threshold. `within` is the share of
    the sites for use that reach MOST_CALLED and LEAST_FOUND."""
    outcomes = [outcome for seed, model in enumerate(models) for outcome in _outcomes(model, seed)]
    used = [one for one in outcomes if one.for_use]
    called, found = (np.array([getattr(one, name) for one in used], float) for name in ("called", "found"))
    return {
        "before": {
            "called": _mean([np.mean(one.p[one.y == 0] >= one.threshold) for one in models]),
            "found": _mean([np.mean(one.p[one.y == 1] >= one.threshold) for one in models]),
        },
        "sites": len(outcomes),
        "for_use": round(len(used) / len(outcomes), 3) if outcomes else None,
        "called": _mean(called),
        "found": _mean(found),
        "within": _mean((called <= MOST_CALLED) & (found >= LEAST_FOUND)),
    }


def _outcomes(model: Answered, seed: int) -> Iterator[Outcome]:
    rng = np.random.default_rng(seed)
    groups = [np.unique(model.patients[model.y == label]) for label in (0, 1)]
    positives = min(round(PATIENTS * PREVALENCE), len(groups[1]))
    negatives = min(PATIENTS - positives, len(groups[0]))
    for number in range(SITES):
        chosen = [
            rng.choice(group, size, replace=False) for group, size in zip(groups, (negatives, positives), strict=True)
        ]
        here = np.where(model.y == 1, np.isin(model.patients, chosen[1]), np.isin(model.patients, chosen[0]))
        yield _outcome(model.y[here], model.p[here], model.patients[here].tolist(), number)


def _outcome(y: npt.NDArray[np.int_], p: npt.NDArray[np.float64], patients: list[str], seed: int) -> Outcome:
    names = [str(place) for place in range(len(y))]
    decision = decide(y, p, patients, names, limits=SiteLimits(), shares=Shares(), seed=seed)
    if decision.decided.verdict == "not_for_use":
        return Outcome(False, None, None)
    right, found = decision.findings.specificity, decision.findings.sensitivity
    return Outcome(True, 1 - right.count / right.trials, found.count / found.trials)


def _mean(values: Sequence[float] | npt.NDArray[Any]) -> float | None:
    return round(float(np.mean(values)), 3) if len(values) else None


def command() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--backbone", default="inceptionv3")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    arguments = parser.parse_args()
    run_stage(lambda: main(arguments.backbone, arguments.out))


if __name__ == "__main__":
    command()
