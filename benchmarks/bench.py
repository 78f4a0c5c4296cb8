"""Answer every question about speed, one after another: `make bench`.

    python -m benchmarks.bench [--only NAME …] [--full] [--out docs/results/bench.json]

Each question runs in a process of its own and has the whole machine; contestants take turns inside it. The figures go
to a JSON file, and beside it to a table (.md) and a plot (.svg). Rates and ratios are of this one run. With
CXR_WEIGHTS=file the trunk has pretrained weights, else random ones; the speed is the same.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.bench_table import table
from tools.machine import machine

ROOT = Path(__file__).resolve().parents[1]
QUIET_LOAD = 0.5  # up to this load of other work the machine counts as quiet


@dataclass(frozen=True)
class Question:
    """module: its name in this package. toy: sizes that take seconds, for the tests. full: the sizes of `--full`."""

    module: str
    toy: dict[str, Any]
    full: dict[str, Any] = field(default_factory=dict)


QUESTIONS = {
    "start": Question("start_up", {"rounds": 1, "stages": ["split"]}),
    "files": Question("raw_files", {"images": 8, "file_size": 64, "image_size": 32, "rounds": 1}),
    "head": Question("head_training", {"images": 12, "views": 2, "epochs": 3, "shape": [2, 2, 8]}),
    "trunk": Question("trunk_speed", {"image_size": 75, "batch": 2, "batches": 1, "rounds": 1}),
    "eight_bits": Question("eight_bits", {"image_size": 75, "images": 2, "rounds": 1, "kept": [3]}),
    "growth": Question("growth", {"images": 3, "views": 2, "image_size": 75}),
    "fine_tuning": Question(
        "fine_tuning", {"image_size": 75, "cut": "mixed2", "blocks": 1, "batch": 2, "steps": 2, "rounds": 1}
    ),
    "pipeline": Question(
        "pipeline",
        {
            "images": 60,
            "file_size": 96,
            "image_size": 75,
            "views": 2,
            "epochs": 3,
            "batch": 2,
            "steps": 2,
            "recipe": "demo",
            "evidence": False,
        },
    ),
    "scale": Question(
        "scale",
        {"sizes": [8, 16], "file_size": 64, "image_size": 32, "views": 2, "epochs": 2},
        {"sizes": [1000, 3000, 10_000, 50_000]},
    ),
}


def main() -> None:
    given = _arguments()
    before = load_average()
    answers = {name: ask(name, QUESTIONS[name].full if given.full else {}) for name in given.only or QUESTIONS}
    result = {
        "command": " ".join(["python -m benchmarks.bench", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "load_average": {"before": before, "after": load_average()},
        "remark": remark([before, *(answer["load_average_before"] for answer in answers.values())]),
        "questions": answers,
    }
    write(result, given.out)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(QUESTIONS), metavar="NAME", help=", ".join(QUESTIONS))
    parser.add_argument("--full", action="store_true", help="up to 50,000 images; takes about 10 GB of disk")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "bench.json")
    return parser.parse_args()


def ask(name: str, sizes: dict[str, Any]) -> dict[str, Any]:
    """Run one question in a process of its own; its progress bars go to standard error."""
    print(f"bench: {name}", file=sys.stderr, flush=True)
    words = [f"{key}={json.dumps(value)}" for key, value in sizes.items()]
    before = load_average()
    started = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own modules
        [sys.executable, "-m", f"benchmarks.{QUESTIONS[name].module}", *words],
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"bench: {name} failed; run `python -m benchmarks.{QUESTIONS[name].module}` to see why")
    return {
        "command": " ".join(["python -m benchmarks." + QUESTIONS[name].module, *words]),
        "load_average_before": before,
        "seconds": round(time.perf_counter() - started, 1),
        "figures": json.loads(done.stdout.splitlines()[-1]),
    }


def load_average() -> float:
    """Runnable processes on average over the last minute."""
    return round(os.getloadavg()[0], 2)


def remark(loads: list[float]) -> str:
    """Whether other work ran. The first load is other work only; later ones include our own, up to all cores."""
    cores = os.cpu_count() or 1
    if loads[0] <= QUIET_LOAD and max(loads) <= cores + 1 + QUIET_LOAD:
        return "the machine was quiet"
    return (
        f"THE MACHINE WAS NOT QUIET: load average {min(loads)} to {max(loads)} on {cores} cores; rates are too low by "
        "about the share that other work took; ratios of contestants in turn and processor times suffer less"
    )


def write(result: dict[str, Any], out: Path) -> None:
    from benchmarks.bench_plot import plot

    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    out.with_suffix(".md").write_text(table(result), encoding="utf-8")
    plot(result, out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
