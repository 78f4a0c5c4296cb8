"""Run the pipeline with DVC in a workspace of its own, over given pictures, and time each stage."""

import json
import os
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measuring import cost_of
from benchmarks.origins import BenchImages
from tools.stage_times import run_timed
from tools.workspace import make_workspace

BACKBONE = "inceptionv3"
# The plain way would have to do the first part as well. It has nothing like the second: lungs, gate, precision, audit,
# register, sealed, card.
TO_METRICS = "raw files to metrics"
EVIDENCE = "the evidence"
_TARGETS: dict[str, tuple[str, ...]] = {TO_METRICS: (f"evaluate@{BACKBONE}",), EVIDENCE: ()}
_DOWNLOAD_AGAIN = ("--force", "--single-item", "download")  # DVC does not watch a mirror


@dataclass(frozen=True)
class Task:
    """pictures: to learn from. changes: of params.yaml. parts: TO_METRICS, perhaps EVIDENCE."""

    pictures: BenchImages
    changes: tuple[dict[str, Any], ...]
    parts: tuple[str, ...]


@dataclass
class Run:
    """Seconds of each stage and of processor time, by the part of the pipeline that it was run for."""

    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    cpu_by_part: dict[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> dict[str, float]:
        return _with_sum({part: sum(stages.values()) for part, stages in self.stages.items()})

    @property
    def cpu_s(self) -> dict[str, float]:
        return _with_sum(self.cpu_by_part)

    def figures(self) -> dict[str, Any]:
        return {"seconds": self.seconds, "cpu_s": self.cpu_s, "seconds_by_stage": self.stages}


def _with_sum(parts: dict[str, float]) -> dict[str, float]:
    return parts | {"all": sum(parts.values())}


class Workspace:
    """origin: where the pictures are to be laid out for the download."""

    def __init__(self, folder: Path, task: Task):
        self.origin = folder / "origin"
        self._work = folder / "work"
        self._bentos = folder / "bentoml"
        self._parts = task.parts
        make_workspace(self._work, [*task.changes, {"download": task.pictures.download(self.origin)}])

    def run(self, *, download_again: bool = False) -> Run:
        """`dvc repro` to the metrics, then the rest. Exits where a stage fails."""
        run = Run()
        for part in self._parts:
            again = [_DOWNLOAD_AGAIN] if download_again and part == TO_METRICS else []
            stages = run.stages[part] = {}
            run.cpu_by_part[part] = cost_of(partial(self._repro_each, [*again, _TARGETS[part]], stages)).cpu_s
        return run

    def _repro_each(self, commands: list[tuple[str, ...]], stages: dict[str, float]) -> None:
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "BENTOML_HOME": str(self._bentos),
        }
        environment.pop("MLFLOW_TRACKING_URI", None)  # a measurement must not appear among the user's runs
        for words in commands:
            command = [sys.executable, "-m", "dvc", "repro", *words]
            status, seconds = run_timed(command, self._work, sys.stderr, environment)
            if status:
                sys.exit(f"dvc repro {' '.join(words)} failed with status {status}")
            for stage, taken in seconds.items():
                stages[stage] = stages.get(stage, 0.0) + taken

    def report(self, name: str) -> dict[str, Any]:
        return json.loads((self._work / "reports" / name).read_text(encoding="utf-8"))
