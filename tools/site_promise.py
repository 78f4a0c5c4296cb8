"""Measure what commissioning promises: how often a limit is violated, and how often a useless model is let in.

    python -m tools.site_promise --out docs/results/site-promise [--answers validation.csv …]

A made site draws its patients from a population whose truth is known, and is commissioned by the code that commissions
real ones. Each cell of the table is a population, a size and a prevalence. A limit is violated where a group was
certified for which the truth is above the limit. With `--answers`, a table with the columns `label` and `p_covid` is a
population too: its images are drawn with replacement.
"""

import argparse
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cxr.common.atomic_files import write_json
from cxr.common.parallel import map_apart
from cxr.common.stage_runner import run_stage
from cxr.site.decision import SiteDecision, decide
from cxr.site.limits import SiteLimits
from cxr.site.parts import Shares
from tools.machine import machine
from tools.site_populations import MADE, Population, population_of_answers

SITES = 2000
PATIENTS = (100, 200, 300)
PREVALENCES = (0.1, 0.3)


class Cell(NamedTuple):
    """One row of the table, before it is measured."""

    population: Population
    patients: int
    prevalence: float
    sites: int
    seed: int


@dataclass(frozen=True)
class CellCounts:
    """Shares of the sites, but for the last two: uncertain is the mean over the sites for use, and None without one."""

    population: str
    works: bool
    patients: int
    prevalence: float
    sites: int
    for_use: float
    unlikely_certified: float
    likely_certified: float
    missed_violated: float
    false_violated: float
    sensitivity_violated: float
    for_use_and_violated: float
    uncertain: float | None


def measured(cell: Cell, limits: SiteLimits | None = None) -> CellCounts:
    """Every site of a cell, drawn from its own seed."""
    asked = limits or SiteLimits()
    rng = np.random.default_rng(cell.seed)
    names = [f"{i}" for i in range(cell.patients)]
    rows = []
    for number in range(cell.sites):
        y, p = cell.population.draw(rng, cell.patients, cell.prevalence)
        found = decide(y, p, names, names, limits=asked, shares=Shares(), seed=number)
        rows.append((*_violated(found, cell, asked), *_outcome(found)))
    missed, false, sensitivity, unlikely, likely, use, uncertain = np.array(rows, float).T
    used = use.astype(bool)
    broken = (missed + false + sensitivity > 0) & used
    return CellCounts(
        cell.population.name,
        cell.population.works,
        cell.patients,
        cell.prevalence,
        cell.sites,
        *(float(column.mean()) for column in (use, unlikely, likely, missed, false, sensitivity, broken)),
        float(uncertain[used].mean()) if used.any() else None,
    )


def _violated(found: SiteDecision, cell: Cell, limits: SiteLimits) -> tuple[bool, bool, bool]:
    """Whether the truth is beyond each of the three limits, of what was certified."""
    low, high = found.triage.cuts()
    positive, negative = cell.population.below(low, cell.prevalence)
    missed = _share(cell.prevalence * positive, (1 - cell.prevalence) * negative)
    positive, negative = cell.population.below(high, cell.prevalence)
    false = _share((1 - cell.prevalence) * (1 - negative), cell.prevalence * (1 - positive))
    below = 0.0 if found.threshold is None else cell.population.below(found.threshold, cell.prevalence)[0]
    return (
        found.triage.unlikely is not None and missed > limits.missed_among_unlikely,
        found.triage.likely is not None and false > limits.false_among_likely,
        1 - below < limits.sensitivity,
    )


def _share(wrong: float, right: float) -> float:
    """Of a group; 0 where nobody is in it."""
    return wrong / (wrong + right) if wrong + right > 0 else 0.0


def _outcome(found: SiteDecision) -> tuple[bool, bool, bool, float]:
    uncertain = found.findings.uncertain.value
    return (
        found.triage.unlikely is not None,
        found.triage.likely is not None,
        found.decided.verdict == "for_use",
        1.0 if uncertain is None else uncertain,
    )


def cells_of(population: Population, sites: int) -> list[Cell]:
    """Each with a seed of its own, so that they can be measured in any order."""
    grid = [(size, share) for size in PATIENTS for share in PREVALENCES]
    return [Cell(population, size, share, sites, seed) for seed, (size, share) in enumerate(grid)]


def worst_of(rows: Sequence[CellCounts]) -> dict[str, float]:
    """The highest share of each kind over all cells; `let_in` over the populations where the model does not work."""
    limits = ("missed_violated", "false_violated", "sensitivity_violated")
    worst = {name: max(getattr(row, name) for row in rows) for name in limits}
    return worst | {"let_in": max((row.for_use for row in rows if not row.works), default=0.0)}


def main(out: Path, answers: Sequence[Path], command: str, sites: int) -> str:
    from tools.site_promise_page import page, plot

    rows: list[CellCounts] = []
    for population in (*MADE, *map(population_of_answers, answers)):  # written after each: it takes minutes
        rows += map_apart(measured, cells_of(population, sites), population.name)
        result: Mapping[str, Any] = {
            "command": command,
            "date": datetime.date.today().isoformat(),
            "machine": machine(),
            "limits": asdict(SiteLimits()),
            "shares": asdict(Shares()),
            "worst": worst_of(rows),
            "cells": [asdict(row) for row in rows],
        }
        write_json(result, out.with_suffix(".json"))
        out.with_suffix(".md").write_text(page(result), encoding="utf-8")
        plot(rows, out.with_suffix(".svg"))
    return f"{len(rows)} cells of {sites} sites, in {out.with_suffix('.md').name}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="without ending; .json, .md and .svg are written")
    parser.add_argument("--answers", type=Path, nargs="+", default=[], metavar="CSV", help="answers of a model")
    parser.add_argument("--sites", type=int, default=SITES, help="in each cell (default: %(default)s)")
    arguments = parser.parse_args()
    typed = f"python -m tools.site_promise --out {arguments.out}" + "".join(
        f" --answers {path.name}" for path in arguments.answers
    )
    typed += "" if arguments.sites == SITES else f" --sites {arguments.sites}"
    run_stage(lambda: main(arguments.out, arguments.answers, typed, arguments.sites))
