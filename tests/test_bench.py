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
from benchmarks.whole import whole_training
from tools.machine import machine

NEEDS_TENSORFLOW = ("trunk", "eight_bits", "growth", "plain", "fixed")


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
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", list(QUESTIONS))
def test_each_question_is_answered_with_finite_figures(name: str) -> None:
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


FIGURES: dict[str, dict[str, Any]] = {
    "files": {"images_per_s": {"together": 100.0, "index": 1.0, "split": 1.0, "pixels": 1.0}},
    "head": {"size": {"images": 650, "views": 10, "epochs": 500}, "flatten": {"seconds": 20.0}},
    "trunk": {"images_per_s": {"openvino_f32": 50.0}},
    "growth": {"views_per_s": 65.0, "share": 0.1},
    "plain": {"images_per_s": 10.0},
    "fixed": {"seconds": 30.0},
}


def test_a_whole_training_is_the_sum_of_its_parts() -> None:
    whole = whole_training(FIGURES)
    parts = whole["seconds"]
    assert parts["index, split, pixels"] == pytest.approx(10)
    assert parts["bank of views"] == pytest.approx(100)
    assert parts["held-out images"] == pytest.approx((2 * 150 + 200) / 50)
    assert whole["total_s"] == pytest.approx(sum(parts.values())) == pytest.approx(170)
    assert whole["times_faster"] == pytest.approx(650 * 500 / 10 / 170)


def test_after_growing_only_the_bank_is_spared() -> None:
    grown = whole_training(FIGURES)["ten_percent_more"]
    assert grown["bank_alone"] == 0.1
    assert grown["whole_pipeline"] == pytest.approx((1.1 * 40 + 30 + 11) / (1.1 * 140 + 30))


def test_without_all_questions_no_whole_is_claimed() -> None:
    assert whole_training({"head": FIGURES["head"]}) == {}


def test_a_run_without_scale_and_whole_still_has_a_table_and_a_plot(tmp_path: Path) -> None:
    result = {
        "command": "c",
        "date": "2026-11-23",
        "machine": machine(),
        "load_average": {"before": 9.0, "after": load_average()},
        "remark": remark([9.0]),
        "questions": {},
    }
    write(result, tmp_path / "b.json")
    assert "NOT QUIET" in (tmp_path / "b.md").read_text()
    assert (tmp_path / "b.svg").stat().st_size > 0


def test_contestants_take_turns() -> None:
    seen: list[str] = []
    costs = turns({name: lambda name=name: seen.append(name) for name in "ab"}, 3)
    assert seen == list("ababab")
    assert {name: len(each) for name, each in costs.items()} == {"a": 3, "b": 3}


def test_figures_are_rounded_to_four_digits_at_any_depth() -> None:
    assert rounded({"a": [1.23456, (2,)], "b": 12345.678}) == {"a": [1.235, [2]], "b": 12350.0}
