"""Each question of `make bench` at a toy size: the figures are there and are numbers. Nothing here is timed."""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bench import QUESTIONS, ROOT, ask, load_average, remark, write
from benchmarks.measuring import rounded, turns
from benchmarks.timed_pipeline import EVIDENCE, TO_METRICS, Run
from tools.machine import machine


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers(item)
    elif isinstance(value, int | float):
        yield value


def check(figures: dict[str, Any]) -> None:
    found = list(numbers({name: item for name, item in figures.items() if name != "size"}))
    assert found
    assert all(math.isfinite(number) and number >= 0 for number in found), figures


@pytest.mark.slow
@pytest.mark.timeout(1800)  # the pipeline three times, which starts some thirty processes
@pytest.mark.parametrize("name", list(QUESTIONS))
def test_each_question_is_answered_with_finite_figures(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("CXR_MIRROR", "CXR_WEIGHTS"):  # toy sizes are of phantoms and random weights
        monkeypatch.delenv(variable, raising=False)
    answer = ask(name, QUESTIONS[name].toy)
    check(answer["figures"])
    assert answer["figures"]["size"]


@pytest.mark.slow
def test_the_command_writes_figures_table_and_plot(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.bench", "--only", "start", "--out", str(tmp_path / "b.json")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    result = json.loads((tmp_path / "b.json").read_text())
    check(result["questions"]["start"]["figures"])
    assert result["machine"]["cores"] >= 1
    assert "slowest start" in (tmp_path / "b.md").read_text()


def test_a_run_adds_up_by_part() -> None:
    stages = {TO_METRICS: {"dvc": 1.0, "train": 20.0}, EVIDENCE: {"dvc": 2.0, "audit": 30.0}}
    run = Run(stages, {TO_METRICS: 40.0, EVIDENCE: 50.0})
    assert run.seconds == {TO_METRICS: 21.0, EVIDENCE: 32.0, "all": 53.0}
    assert run.cpu_s["all"] == 90.0


FROM_NOTHING = Run({TO_METRICS: {"dvc": 1.0, "features": 79.0}, EVIDENCE: {"audit": 20.0}}, {TO_METRICS: 1.0})
GROWN = Run({TO_METRICS: {"dvc": 1.0, "features": 7.0}, EVIDENCE: {"audit": 10.0}}, {TO_METRICS: 1.0})
PIPELINE = {
    "size": {"training_images": 1265, "epochs": 500},
    "from_nothing": FROM_NOTHING.figures(),
    "validation_auc": 0.99,
    "plain": {"images_per_s": 20.0, "extrapolated_s": 36_000.0},
    "times_faster": {TO_METRICS: 450.0, "all": 360.0},
    "growth": {
        **GROWN.figures(),
        "share": {TO_METRICS: 0.1, "all": 0.18},
        "share_of_processor_time": {TO_METRICS: 0.11, "all": 0.19},
    },
}


def test_the_table_says_where_the_pipelines_time_goes_and_what_is_extrapolated(tmp_path: Path) -> None:
    answer = {"figures": PIPELINE, "seconds": 1.0, "load_average_before": 0.0}
    write(_result({"pipeline": answer}), tmp_path / "b.json")
    page = (tmp_path / "b.md").read_text()
    assert "EXTRAPOLATED |  | 10.0 h |" in page
    assert "≥ 100× | 450× |" in page
    assert "| features | raw files to metrics | 79 s | 7 s |" in page
    assert "| audit | the evidence | 20 s | 10 s |" in page
    assert "features" in (tmp_path / "b.svg").read_text()


def test_a_run_without_scale_and_pipeline_still_has_a_table_and_a_plot(tmp_path: Path) -> None:
    write(_result({}), tmp_path / "b.json")
    assert "NOT QUIET" in (tmp_path / "b.md").read_text()
    assert (tmp_path / "b.svg").stat().st_size > 0


def _result(questions: dict[str, Any]) -> dict[str, Any]:
    return {
        "command": "c",
        "date": "2026-11-23",
        "machine": machine(),
        "load_average": {"before": 9.0, "after": load_average()},
        "remark": remark([9.0]),
        "questions": questions,
    }


def test_contestants_take_turns() -> None:
    seen: list[str] = []
    costs = turns({name: lambda name=name: seen.append(name) for name in "ab"}, 3)
    assert seen == list("ababab")
    assert {name: len(each) for name, each in costs.items()} == {"a": 3, "b": 3}


def test_figures_are_rounded_to_four_digits_at_any_depth() -> None:
    assert rounded({"a": [1.23456, (2,)], "b": 12345.678}) == {"a": [1.235, [2]], "b": 12350.0}
