"""Read what a retraining report needs: from the workspace, from DVC and from the registry."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cxr.common.atomic_files import read_json
from cxr.common.config import load_params
from cxr.common.errors import CxrError
from cxr.common.paths import MODEL_REPORTS, REPORTS, SEALED
from cxr.promotion.settings import RegisterParams
from cxr.tracking import registry
from cxr.tracking.store import connect
from tools.report import ROWS, Base, Curve, Diff, Evidence, Metrics, RegisteredChampion, SealedTest, base_from_diff

BORROWED_TAG = "cxr.borrowed_version"  # the number that a champion has in the registry it was borrowed from


def gather(revision: str) -> Evidence:
    """Everything about the workspace in the current folder, compared with a git revision."""
    if revision.startswith("-"):
        raise CxrError(f"BASE {revision!r} is not a git revision; name a branch, a tag or a commit")
    register = read_json(REPORTS / "register.json")
    # Only what this run trained: a removed backbone's folder may still lie there.
    models = {name: read_json(MODEL_REPORTS / name / "validation.json") for name in register["validation"]}
    diff, missing = metrics_diff(revision)
    base = base_from_diff(diff, revision, missing)
    curves = (workspace_roc(register["winner"]), base_roc(base, base.winner or register["winner"]))
    before = champion_before(register["version"])
    return Evidence(register, models, base, before, diff, curves, sealed_test(register["version"]))


def sealed_test(version: int) -> SealedTest | None:
    """The version's test, where the stage `sealed` has taken it."""
    place = SEALED / "registered.json"
    if not place.is_file():
        return None
    found = read_json(place)
    folder = SEALED / found["folder"]
    facts = read_json(folder / "sealed.json")
    present = registry.find_version(load_params(RegisterParams).model, version)
    if found["bundle_sha256"] != present.bundle_sha256:
        return None
    return SealedTest(read_json(folder / "metrics.json"), facts["says"], found["looks"], found["looks_ever"])


def metrics_diff(revision: str) -> tuple[Diff, str]:
    """`dvc metrics diff` between the revision and the workspace; and the reason where there is none, else ""."""
    done = _dvc("metrics", "diff", revision, "--all", "--json")
    if done.returncode == 0 and done.stdout.strip():
        return json.loads(done.stdout), ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    # Its first sentence; what DVC advises after it is not for a report.
    return {}, (lines[-1].removeprefix("ERROR: ").split(". ")[0] if lines else "DVC knows no metrics").rstrip(".")


def draw_plots(base: Base, folder: Path) -> bool:
    """Draw every curve into folder/index.html, with the base's where it has any. Returns whether DVC could."""
    compared = ("show",) if base.missing else ("diff", base.revision)
    return _dvc("plots", *compared, "--out", str(folder)).returncode == 0


def workspace_roc(backbone: str) -> Curve:
    path = MODEL_REPORTS / backbone / "roc.csv"
    return read_roc(path.read_text(encoding="utf-8")) if path.is_file() else ()


def base_roc(base: Base, backbone: str) -> Curve:
    """The base's curve, from DVC's cache or the remote; empty where neither has it."""
    if backbone not in base.models:
        return ()
    path = (MODEL_REPORTS / backbone / "roc.csv").as_posix()
    reading = "import sys, dvc.api; sys.stdout.write(dvc.api.read(sys.argv[1], rev=sys.argv[2]))"
    done = subprocess.run(
        [sys.executable, "-c", reading, path, base.revision], capture_output=True, text=True, check=False
    )
    return read_roc(done.stdout) if done.returncode == 0 else ()


def read_roc(text: str) -> Curve:
    """The curve in the text of a roc.csv, as cxr.evaluation.curves writes it."""
    return [
        (float(row["false_positive_rate"]), float(row["true_positive_rate"]))
        for row in csv.DictReader(io.StringIO(text))
    ]


def champion_before(version: int) -> RegisteredChampion | None:
    """The champion that `version` was compared with. It is found also where `version` is the champion now."""
    name = load_params(RegisterParams).model
    present = registry.champion(name)
    if present is None:
        return None
    number = str(present.number)
    if present.number == version:
        number = present.tags.get(registry.REPLACED_TAG, "")
        if not number:
            return None
    found = connect().get_model_version(name, number)
    tags = dict(found.tags)
    return RegisteredChampion(tags.get(BORROWED_TAG, number), tags.get("backbone", "?"), recorded_metrics(found.run_id))


def recorded_values(run_id: str) -> dict[str, float]:
    """The last values of the run's metrics by name; empty where the run was deleted."""
    client = connect()
    experiments = [found.experiment_id for found in client.search_experiments()]
    runs = client.search_runs(experiments, f"attributes.run_id = '{run_id}'")
    return dict(runs[0].data.metrics) if runs else {}


def recorded_metrics(run_id: str) -> Metrics:
    """What the stage evaluate told MLflow as validation/auc, validation/auc_low and so on."""
    values = recorded_values(run_id)
    names = {"value": "", "low": "_low", "high": "_high"}
    return {
        metric: {bound: values.get(f"validation/{metric}{suffix}") for bound, suffix in names.items()}
        for metric in ROWS
    }


def _dvc(*arguments: str) -> subprocess.CompletedProcess[str]:
    # Without a terminal DVC draws no progress bars into the text.
    command: list[Any] = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})
