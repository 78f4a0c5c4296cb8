"""How long does the whole pipeline take, from raw files to metrics, and how long would the plain way?

DVC runs the original recipe in a workspace of its own, and each stage is timed. The files are a mirror's (CXR_MIRROR)
or phantoms; the weights are those of CXR_WEIGHTS or random. Steps of the plain way are timed just before and just after
on the same machine. The time of all its epochs is extrapolated from them, and called so. The plain way gets its
pictures decoded in memory, and neither validates nor tests.

Then a second workspace learns without some of the patients. These are added, and the time of the next run is compared
with the time of the run from nothing on all patients.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measuring import run_question
from benchmarks.origins import drawn, mirrored
from benchmarks.timed_pipeline import BACKBONE, EVIDENCE, TO_METRICS, Run, Task, Workspace

ROOT = Path(__file__).resolve().parents[1]


def measure(
    images: int = 2000,
    file_size: int = 448,
    image_size: int = 299,
    views: int = 10,
    epochs: int = 500,
    more: float = 0.1,
    batch: int = 32,
    steps: int = 8,
    recipe: str = "",
    evidence: bool = True,
) -> dict[str, Any]:
    """Time by stage, the plain way's time, and the time after more patients.

    images, file_size: of the phantoms, where no mirror is given. more: patients added, as a share of those before.
    batch, steps: of the plain way. recipe: a file of params/ merged over the original recipe. evidence: all stages, not
    only those that lead to the metrics.
    """
    mirror = os.environ.get("CXR_MIRROR")
    with tempfile.TemporaryDirectory() as name:
        pictures = mirrored(Path(mirror)) if mirror else drawn(Path(name), images, file_size)
        changes = _changes(recipe, image_size, views, epochs)
        task = Task(pictures, changes, (TO_METRICS, EVIDENCE) if evidence else (TO_METRICS,))
        before = _plain_steps(image_size, batch, steps)
        full, facts, auc = _from_nothing(task)
        after = _plain_steps(image_size, batch, steps)
        growth = _growth(task, more, full)
    steps_of_all_epochs = math.ceil(facts["training_images"] / batch) * epochs
    plain = _plain_figures(before, after, batch, steps_of_all_epochs)
    return {
        "size": {**facts, "image_size": image_size, "views": views, "epochs": epochs},
        "files": "a mirror's" if mirror else "phantoms",
        "weights": "pretrained" if "CXR_WEIGHTS" in os.environ else "random",
        "from_nothing": full.figures(),
        "validation_auc": auc,
        "plain": plain,
        "times_faster": {part: plain["extrapolated_s"] / full.seconds[part] for part in (TO_METRICS, "all")},
        "growth": growth,
    }


def _plain_figures(before: list[float], after: list[float], batch: int, steps_of_all_epochs: int) -> dict[str, Any]:
    """Figures of the plain way from the seconds of its timed steps, before and after the pipeline ran."""
    step_s = statistics.median(before + after)
    return {
        "batch": batch,
        "timed_steps": len(before + after),
        "median_step_s": {"before": statistics.median(before), "after": statistics.median(after)},
        "images_per_s": batch / step_s,
        "extrapolated_s": steps_of_all_epochs * step_s,
    }


def _changes(recipe: str, image_size: int, views: int, epochs: int) -> tuple[dict[str, Any], ...]:
    names = ("original", "real", *([recipe] if recipe else []))
    files = [yaml.safe_load((ROOT / "params" / f"{name}.yaml").read_text(encoding="utf-8")) for name in names]
    own = {
        "pixels": {"image_size": image_size},
        "features": {"augmented_views": views, "weights": {BACKBONE: os.environ.get("CXR_WEIGHTS", "random")}},
        "train": {"backbones": [BACKBONE], "epochs": epochs},
    }
    return (*files, own)


def _plain_steps(image_size: int, batch: int, steps: int) -> list[float]:
    """Seconds of each timed step, from a process of its own, which takes TensorFlow's memory and threads with it."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.plain_way",
        f"image_size={image_size}",
        f"batch={batch}",
        f"steps={steps}",
    ]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our module
    return json.loads(done.stdout.splitlines()[-1])["step_s"]


def _from_nothing(task: Task) -> tuple[Run, dict[str, Any], float]:
    """The run over all pictures, the counts of images and patients, and the AUC on the validation patients."""
    with tempfile.TemporaryDirectory() as name:
        workspace = Workspace(Path(name), task)
        task.pictures.lay_out(workspace.origin)
        run = workspace.run()
        found = workspace.report("index.json")
        split = workspace.report("split.json")
        auc = workspace.report(f"models/{BACKBONE}/validation.json")["auc"]["value"]
    facts = {"images": found["images"], "patients": found["patients"], "training_images": split["images"]["train"]}
    return run, facts, auc


def _growth(task: Task, more: float, full: Run) -> dict[str, Any]:
    """The run after `more` patients were added, and its share of the run from nothing on all patients."""
    with tempfile.TemporaryDirectory() as name:
        workspace = Workspace(Path(name), task)
        task.pictures.lay_out(workspace.origin, without=task.pictures.of_some_patients(more / (1 + more)))
        workspace.run()
        before = workspace.report("index.json")
        task.pictures.lay_out(workspace.origin)
        grown = workspace.run(download_again=True)
        after = workspace.report("index.json")
    parts = (TO_METRICS, "all")
    return {
        **{what: {"before": before[what], "after": after[what]} for what in ("patients", "images")},
        **grown.figures(),
        "share": {part: grown.seconds[part] / full.seconds[part] for part in parts},
        "share_of_processor_time": {part: grown.cpu_s[part] / full.cpu_s[part] for part in parts},
    }


if __name__ == "__main__":
    run_question(measure)
