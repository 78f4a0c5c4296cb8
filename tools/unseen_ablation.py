"""Compare variants of a frozen recipe's head by the yardstick: what each reaches on sources that training left out.

    cd WORKSPACE && python -m tools.unseen_ablation --out FILE       # `make unseen-ablation` does both

Run the pipeline up to the stage `train` first. All variants share its feature cache, and no test patient takes part. A
finished training is kept (`data/unseen_cache`), so that a second start goes on where the first stopped.
"""

import argparse
import datetime
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cxr.common.atomic_files import write_json
from cxr.common.config import load_params
from cxr.common.paths import FEATURE_CACHE, FEATURES, INDEX, PIXELS, SPLIT, UNSEEN_CACHE
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset
from cxr.evaluation.settings import EvaluateParams
from cxr.features.settings import FeaturesParams
from cxr.networks.registry import Backbone
from cxr.training.settings import TrainParams
from cxr.unseen.plan import plan_folds
from cxr.unseen.report_types import UnseenReport
from cxr.unseen.settings import UnseenParams
from cxr.unseen.summary import summarise
from cxr.unseen.training import FoldTrainer, fold_pictures
from tools.machine import machine

BACKBONE: Backbone = "inceptionv3"
# Changes of the section train, by the row's title. The first row is the workspace's own recipe.
VARIANTS: dict[str, dict[str, Any]] = {
    "recipe": {},
    "weights by label only": {"weighting": "label"},
    "no weights": {"weighting": "none"},
    "alignment 1": {"alignment": 1.0},
    "alignment 10": {"alignment": 10.0},
    "alignment 100": {"alignment": 100.0},
    "weight decay 0.1": {"weight_decay": 0.1},
    "weight decay 1": {"weight_decay": 1.0},
    "no dropout": {"dropout": 0.0},
    "a tenth of the learning rate": {"learning_rate": 0.0003},
    "20 epochs": {"epochs": 20},
    "flatten": {"head": "flatten"},
}
MEASURES = ("unseen_auc", "false_positive_rate", "sensitivity")


def main(out: Path, command: str, only: list[str]) -> str:
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    recipe = load_params(TrainParams)
    features = load_params(FeaturesParams)
    rows: dict[str, dict[str, Any]] = {}
    for title in only or VARIANTS:
        params = replace(recipe, **VARIANTS[title])
        rows[title] = {"settings": VARIANTS[title], **_row(_measured(data, params, features))}
        result = {
            "command": command,
            "date": datetime.date.today().isoformat(),
            "machine": machine(),
            "views": features.augmented_views,
            "variants": rows,
        }
        write_json(result, out.with_suffix(".json"))
        out.with_suffix(".md").write_text(table(result), encoding="utf-8")
    return f"{len(rows)} variants, in {out.with_suffix('.md').name} and {out.with_suffix('.json').name}"


def _measured(data: Dataset, params: TrainParams, features: FeaturesParams) -> UnseenReport:
    seeds = load_params(UnseenParams).seeds
    plan = plan_folds(fold_pictures(data).columns)
    trainer = FoldTrainer.open(BACKBONE, data, FEATURES / BACKBONE, (params, features), FEATURE_CACHE, UNSEEN_CACHE)
    answers = trainer.all_answers(plan.folds, seeds)
    return summarise(trainer.pictures.columns, plan, answers, seeds, load_params(EvaluateParams))


def _row(report: UnseenReport) -> dict[str, Any]:
    pairs = {f"{pair['positive']} against {pair['negative']}": pair["auc"] for pair in report["pairs"]}
    return {
        **{name: report[name] for name in MEASURES},  # type: ignore[literal-required]
        "seeds": report["seeds"],
        "pairs": pairs,
        "called": report["called"],
    }


def table(result: Mapping[str, Any]) -> str:
    """The page in Markdown: the command, and one row per variant."""
    variants: dict[str, dict[str, Any]] = result["variants"]
    first = next(iter(variants.values()))
    heads = ["variant", "unseen AUC", "others called COVID", "COVID called COVID", *first["pairs"]]
    lines = [
        "# Heads judged by sources that training left out",
        "",
        f"`{result['command']}`, {result['date']}, {result['machine']['processor']}, {result['views']} views an image, "
        f"{first['seeds']} trainings a fold.",
        "",
        "*Unseen AUC*: the mean over the pairs of sources at the right, each trained without both (docs/unseen.md). In",
        "brackets the 95 % interval over patients and trainings. No test patient took part.",
        "",
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
    ]
    for title, row in variants.items():
        cells = [*(row[name] for name in MEASURES), *row["pairs"].values()]
        lines.append(f"| {title} | {' | '.join(map(_cell, cells))} |")
    return "\n".join(lines) + "\n"


def _cell(found: Mapping[str, Any]) -> str:
    return "–" if found["value"] is None else "{value:.3f} ({low:.3f}–{high:.3f})".format(**found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="without ending; .json and .md are written")
    parser.add_argument("--command", required=True, help="the command that a person types; it is written into the file")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=[], metavar="TITLE", help=", ".join(VARIANTS))
    arguments = parser.parse_args()
    run_stage(lambda: main(arguments.out, arguments.command, arguments.only))
