"""How long does a command take to start? The import of each stage's module, and `cxr --help`, each in a process."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measuring import median_cpu_s, median_wall_s, run_question, turns

ROOT = Path(__file__).resolve().parents[1]


def measure(rounds: int = 5, stages: list[str] | None = None) -> dict[str, Any]:
    """Median seconds by command; "python" is the interpreter alone."""
    names = stages or sorted(file.stem for file in (ROOT / "stages").glob("[a-z]*.py"))
    programs = {"python": "pass"}
    programs |= {f"stages.{name}": f"import stages.{name}" for name in names}
    programs["cxr --help"] = "import sys; sys.argv[1:] = ['--help']; from cxr.cli import main; main()"
    contestants = {name: partial(_run, program) for name, program in programs.items()}
    for warm_up in contestants.values():  # byte code is written, files come into the cache
        warm_up()
    costs = turns(contestants, rounds)
    wall = {name: median_wall_s(each) for name, each in costs.items()}
    return {
        "size": {"rounds": rounds},
        "seconds": wall,
        "slowest_s": max(wall.values()),
        "cpu_s": {name: median_cpu_s(each) for name, each in costs.items()},
    }


def _run(program: str) -> None:
    command = [sys.executable, "-c", program]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own modules


if __name__ == "__main__":
    run_question(measure)
