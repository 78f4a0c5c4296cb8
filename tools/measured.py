"""Run `dvc repro` in a workspace and record its time, its memory and its metrics, with the machine and the versions.

Times are those of the whole command and of each stage; stages that were up to date before take none. Memory is the
largest resident size of any one process, as the kernel counts it.
"""

import argparse
import datetime
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.machine import machine
from tools.stage_times import run_timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--command", required=True, help="the command that a person types; it is written into the file")
    arguments = parser.parse_args()
    dvc = [sys.executable, "-m", "dvc"]
    asked = subprocess.run([*dvc, "status", "--json"], cwd=arguments.workspace, check=True, stdout=subprocess.PIPE)
    status, by_stage = run_timed([*dvc, "repro"], arguments.workspace, sys.stdout)
    if status:
        sys.exit(status)
    reports = arguments.workspace / "reports"
    models = sorted((reports / "models").iterdir())
    result = {
        "command": arguments.command,
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "seconds": round(sum(by_stage.values()), 1),
        "seconds_by_stage": {stage: round(seconds, 1) for stage, seconds in by_stage.items()},
        "not_up_to_date_before": sorted(json.loads(asked.stdout)),
        "peak_resident_gib_of_one_process": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20, 2),
        "data": json.loads((reports / "index.json").read_text()),
        "split": json.loads((reports / "split.json").read_text()),
        "register": json.loads((reports / "register.json").read_text()),
        "validation": {folder.name: json.loads((folder / "validation.json").read_text()) for folder in models},
        "validation_by_source": {
            folder.name: json.loads((folder / "validation_groups.json").read_text())["source"] for folder in models
        },
        "sealed": sealed(reports / "sealed"),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")


def sealed(folder: Path) -> dict[str, Any]:
    """What the registered version's test says, and how often its test set was looked at."""
    place = json.loads((folder / "registered.json").read_text())
    found = folder / place["folder"]
    metrics = json.loads((found / "metrics.json").read_text())
    by_source = json.loads((found / "groups.json").read_text())["source"]
    return {**place, "test": metrics, "test_by_source": by_source}


if __name__ == "__main__":
    main()
