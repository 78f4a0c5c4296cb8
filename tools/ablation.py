"""Measure what each part of the recipe gives: one DVC experiment per variant, on the same validation patients.

    cd WORKSPACE && python -m tools.ablation --out FOLDER        # `make ablation` makes the workspace first

A variant runs the pipeline up to its training. No test patient is used, so the recipe may be chosen by the table.
Every variant is an experiment of DVC (`dvc exp show`) and a run in MLflow, with its measures and its parameters. After
a stop, a new start takes the finished variants from DVC's cache.
"""

import argparse
import datetime
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from cxr.audit.perturbations import blacked_out
from cxr.common.atomic_files import read_json, write_json
from cxr.common.config import load_params
from cxr.common.errors import CxrError
from cxr.common.paths import COPIES, FEATURE_CACHE, INDEX, LUNGS, MODEL_REPORTS, PIXELS, SPLIT, TRAINED
from cxr.common.stage_runner import run_stage
from cxr.data.copies import CopyRow
from cxr.data.dataset import Dataset, Split
from cxr.data.manifest import ImageRow, count_by, read_rows
from cxr.data.settings import SplitParams
from cxr.data.splits import assign_splits, split_of_patient
from cxr.evaluation.settings import EvaluateParams
from cxr.features.cached_engine import cached_engine
from cxr.features.settings import FeaturesParams
from cxr.inference.engine import Engine
from cxr.inference.lung_segmenter import LungSegmenter
from cxr.sources.index import role_of
from cxr.sources.settings import DownloadParams
from cxr.tracking.publishing import publish
from tools.ablation_table import measures, table
from tools.machine import machine
from tools.workspace import merged, setting
from tools.workspace_git import commit

BACKBONE = "inceptionv3"
ADULTS = "download.sources.adult_negatives.train_on=[NonCOVID]"
# The settings that turn the recommended recipe into the original one (params/original.yaml), by the part they remove.
ORIGINAL = {
    "both labels": "download.sources.covid_chestxray.train_on=[COVID]",
    "second hospital": "download.sources.covid_image_repository.train_on=[]",  # its images are measured all the same
    "weights by source": "train.weighting=label",
    "pooled head": "train.head=flatten",
    "cut trunk": f"features.cut.{BACKBONE}=''",
    "exposures": "features.augmentation.photometric.share=0",
    "lungs": "features.focus=data/pixels.npy",
}
# Variants of the recommended recipe with the adults: with a part removed, changed or added.
AROUND = {
    "all but lungs": ORIGINAL["lungs"],
    "one layer": f"features.cut.{BACKBONE}=mixed5",
    "all but exposures": ORIGINAL["exposures"],
    "all but pooled head": ORIGINAL["pooled head"],
    "all but weights by source": ORIGINAL["weights by source"],
    "alignment 0.1": "train.alignment=0.1",
    "alignment 1": "train.alignment=1",
    "alignment 10": "train.alignment=10",
}
FINE_TUNED = ("train.fine_tune=1", "train.fine_tune_epochs=2")


@dataclass(frozen=True)
class Variant:
    """One row of the table.

    title: the row's name. settings: changes of the workspace's params.yaml, which is the recommended recipe with the
    adults not trained on.
    """

    title: str
    settings: tuple[str, ...]

    @property
    def name(self) -> str:
        """The experiment's name, in letters that git accepts."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.title.lower()).strip("-")


class DarkLungs:
    """Pictures with the lungs black, the same for all variants."""

    def __init__(self) -> None:
        self._of_path: dict[str, np.ndarray] = {}

    def of(self, split: Split) -> np.ndarray:
        """uint8[n, size, size]; the lungs of each picture are found once."""
        paths = [row.path for row in split.rows]
        new = [i for i, path in enumerate(paths) if path not in self._of_path]
        if new:
            segmenter = LungSegmenter.load_if_trained(LUNGS)
            if segmenter is None:
                raise CxrError("no lung segmenter: the collections brought no lung masks, see reports/lungs.json")
            pixels = split.only(new).pixels
            dark = blacked_out(pixels, segmenter.masks(pixels))
            self._of_path.update(zip((paths[i] for i in new), dark, strict=True))
        return np.stack([self._of_path[path] for path in paths])


def variants() -> list[Variant]:
    """From the original recipe upwards, one more part per row; then variants of the recommended recipe; then the
    original recipe with the adults."""
    parts = list(ORIGINAL)
    up = [Variant("original", tuple(ORIGINAL.values()))]
    for done, part in enumerate(parts, 1):
        up.append(Variant(f"+ {part}", tuple(ORIGINAL[left] for left in parts[done:])))
    whole = Variant("+ adults", (ADULTS,))
    adults_alone = Variant("original + adults", (ADULTS, *ORIGINAL.values()))
    around = [Variant(title, (ADULTS, setting)) for title, setting in AROUND.items()]
    return [*up, whole, *around, Variant("fine-tuned", (ADULTS, *FINE_TUNED)), adults_alone]


def downloads(recommended: dict[str, Any]) -> list[DownloadParams]:
    """Which sources and labels each variant trains on. recommended: the document of params.yaml."""
    found = []
    for variant in variants():
        params = recommended
        for one in variant.settings:
            params = merged(params, setting(one))
        found.append(DownloadParams.adapter().validate_json(json.dumps(params["download"])))
    return found


def common_images(
    rows: Sequence[ImageRow], copies: Sequence[CopyRow], recipes: Sequence[DownloadParams], params: SplitParams
) -> frozenset[str]:
    """Paths of the images of validation patients, also of labels and sources that a variant does not train on.

    Of these, those that every variant keeps, and whose patient is a validation patient in each: whom copies join, and
    what is left out for that, hangs on what is trained on. rows, copies: of any variant. None is of a test patient.
    """
    found = []
    for recipe in recipes:
        kept, _ = assign_splits(
            [replace(row, role=role_of(row.source, row.label, recipe)) for row in rows], copies, params
        )
        found.append({row.path for row in kept if split_of_patient(row.group, params) == "validation"})
    return frozenset.intersection(*map(frozenset, found))


def validation_split(data: Dataset, paths: frozenset[str]) -> Split:
    """paths: of `common_images`; no variant may lack one, or its numbers would be about other images."""
    lacking = paths - data.split_of.keys()
    if lacking:
        raise CxrError(f"a variant leaves out {min(lacking)}, which others are asked about; the data have changed")
    return Dataset(data.rows, dict.fromkeys(paths, "validation"), data.pixels).split("validation")


def main(out: Path, command: str, only: Sequence[str] = ()) -> str:
    """only: titles of variants to measure again; the other rows are kept from `out`."""
    _start_git()
    found: dict[str, dict[str, Any]] = read_json(out.with_suffix(".json"))["variants"] if only else {}
    _git("checkout", "--quiet", "--", "params.yaml")
    recipes = downloads(yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8")))
    dark = DarkLungs()
    for variant in variants():
        if only and variant.title not in only:
            continue
        _dvc("exp", "remove", variant.name, check=False)
        _git("checkout", "--quiet", "--", "params.yaml")
        settings = [word for setting in variant.settings for word in ("-S", setting)]
        _dvc("exp", "run", "--name", variant.name, *settings, "lungs", f"train@{BACKBONE}")
        found[variant.title] = {"settings": list(variant.settings), **_measured(variant, recipes, dark)}
        _write(found, out, command)
    return f"{len(found)} variants, in {out.with_suffix('.md').name} and {out.with_suffix('.json').name}"


def _measured(variant: Variant, recipes: Sequence[DownloadParams], dark: DarkLungs) -> dict[str, Any]:
    """The measures of the variant that was just trained, on the validation patients; also logged to its MLflow run."""
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    params = load_params(EvaluateParams)
    rows, copies = read_rows(ImageRow, INDEX), read_rows(CopyRow, COPIES)
    split = validation_split(data, common_images(rows, copies, recipes, load_params(SplitParams)))
    engine = Engine.load(TRAINED / BACKBONE)
    threshold = engine.facts.threshold
    plain = cached_engine(engine, FEATURE_CACHE).predict(split.pixels)
    found = measures(split, plain, engine.predict(dark.of(split)), threshold, params)
    reports = MODEL_REPORTS / BACKBONE
    record = publish(reports)
    values = {name: measure["value"] for name, measure in found.items()}
    record.log_metrics({name: value for name, value in values.items() if value is not None}, "ablation")
    record.tag(ablation=variant.title)
    counts = count_by(data.split("train").rows, "source", "label")
    return {"trained_on": counts, "threshold": threshold, "run": record.run_id, "measures": found}


def _write(rows: dict[str, dict[str, Any]], out: Path, command: str) -> None:
    order = [variant.title for variant in variants() if variant.title in rows]
    result = {
        "command": command,
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "views": load_params(FeaturesParams).augmented_views,
        "variants": {title: rows[title] for title in order},
    }
    write_json(result, out.with_suffix(".json"))
    out.with_suffix(".md").write_text(table(result), encoding="utf-8")


def _start_git() -> None:
    """DVC's experiments need a git repository; its commit is the recommended recipe."""
    if not commit(Path(), "the recommended recipe"):
        raise CxrError("the ablation runs DVC's experiments, which need git; install it")


def _git(*arguments: str) -> None:
    _run("git", *arguments)


def _dvc(*arguments: str, check: bool = True) -> None:
    _run(sys.executable, "-m", "dvc", *arguments, check=check)


def _run(*command: str, check: bool = True) -> None:
    done = subprocess.run(command, check=False, stderr=None if check else subprocess.DEVNULL)
    if check and done.returncode:
        raise CxrError(f"`{' '.join(command[-6:])}` failed with status {done.returncode}; its own message is above")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="without ending; .json and .md are written")
    parser.add_argument("--command", required=True, help="the command that a person types; it is written into the file")
    titles = [variant.title for variant in variants()]
    parser.add_argument("--only", nargs="+", choices=titles, default=(), metavar="TITLE", help=", ".join(titles))
    arguments = parser.parse_args()
    run_stage(lambda: main(arguments.out, arguments.command, arguments.only))
