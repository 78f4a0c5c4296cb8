"""Show what the watch promises: how rarely it alarms in a world that does not change, how soon in one that does.

    python -m tools.watch_promise --out docs/results/watch-promise --runs 300

Every run looks after each picture. A world is a source of pictures, drawn from with replacement. The drawn worlds have
all statistics; those of a mirror (CXR_MIRROR) have what its own files tell without a model: brightness, sizes, coding.
"""

import argparse
import datetime
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cxr.common.atomic_files import write_json, write_text
from cxr.common.stage_runner import run_stage
from cxr.watch.sequential import Alarms, Counts, Evidence, Ranks
from cxr.watch.statistics import STATISTICS
from tools.machine import machine
from tools.watch_worlds import SHIFTS, World, drawn, mirror_worlds

REFERENCES = (150, 300)
OLD_PICTURES = 20_000
FOLLOWED = 400  # pictures of the new source, within which an alarm is waited for
BEFORE = (0, 1_000)  # pictures of the old world between commissioning and the new source


def counts_of(bins: Counts) -> Counts:
    """int64[runs, pictures, statistics] to int64[runs, statistics, bins]."""
    places = max(statistic.bins for statistic in STATISTICS)
    return np.stack([(bins == place).sum(axis=1) for place in range(places)], axis=-1)


def watched(reference: Counts, draw: Callable[[int], Counts], pictures: int, rng: np.random.Generator) -> Alarms:
    """bool[runs, pictures, statistics]: which statistic alarmed where.

    reference: int64[runs, statistics, bins]. draw: from a picture's place to int64[runs, statistics].
    """
    ranks = Ranks.of_counts(reference)
    evidence = Evidence.none(reference.shape[:2])
    alarms = np.zeros((len(reference), pictures, len(STATISTICS)), bool)
    for place in range(pictures):
        bins = draw(place)
        evidence.take(ranks.p_values(bins, rng.random(bins.shape)), bins >= 0, place)
        alarms[:, place] = evidence.alarmed
        evidence.forget(alarms[:, place])
    return alarms


def false_alarms(world: World, size: int, runs: int, pictures: int, rng: np.random.Generator) -> dict[str, Any]:
    """In `runs` sites, each with a reference of its own of `size` pictures."""
    reference = counts_of(world(rng, (runs, size)))
    alarms = watched(reference, lambda _: world(rng, (runs,)), pictures, rng)
    return {
        "reference": size,
        "runs": runs,
        "pictures": pictures,
        "per_20000": round(float(alarms.sum() / (runs * pictures) * 20_000), 3),
        "sites_with_one": round(float(alarms.any(axis=(1, 2)).mean()), 3),
    }


def delays(old: World, new: World, setting: tuple[int, int], runs: int, rng: np.random.Generator) -> dict[str, Any]:
    """Pictures of the new source until the first alarm. setting: the reference's size, and the pictures of the old
    world between. What is not found within FOLLOWED counts as later than that."""
    size, before = setting
    reference = counts_of(old(rng, (runs, size)))
    alarms = watched(reference, lambda place: (new if place >= before else old)(rng, (runs,)), before + FOLLOWED, rng)
    alarms = alarms[:, before:]
    found = alarms.any(axis=(1, 2))
    first = np.where(found, 1 + alarms.any(axis=2).argmax(axis=1), FOLLOWED + 1)
    numbers = alarms[found, first[found] - 1].argmax(axis=1)
    named = [STATISTICS[number].name for number in numbers]
    return {
        "reference": size,
        "old_pictures_before": before,
        "runs": runs,
        "median": float(np.median(first)),
        "within_nine_tenths": float(np.quantile(first, 0.9)),
        "found": round(float(found.mean()), 3),
        "named": {name: named.count(name) for name in sorted(set(named))},
    }


def measured(runs: int, pictures: int, rng: np.random.Generator) -> dict[str, Any]:
    worlds = {"drawn": drawn({})}
    changes = {title: ("drawn", drawn(shift)) for title, shift in SHIFTS.items()}
    if "CXR_MIRROR" in os.environ:
        sources = mirror_worlds(Path(os.environ["CXR_MIRROR"]))
        worlds |= sources
        changes |= {
            f"{new} after {old}": (old, world) for old in sources for new, world in sources.items() if new != old
        }
    return {
        "false_alarms": {
            title: [false_alarms(world, size, runs, pictures, rng) for size in REFERENCES]
            for title, world in worlds.items()
        },
        "delays": {
            title: [delays(worlds[old], new, (size, before), runs, rng) for size in REFERENCES for before in BEFORE]
            for title, (old, new) in changes.items()
        },
    }


def page(result: dict[str, Any]) -> str:
    """The result in Markdown."""
    lines = [
        "# What the watch promises",
        "",
        f"`{result['command']}`, {result['date']}, {result['machine']['processor']}. docs/watch.md says how it works.",
        "",
        "Every run is a site with a reference of its own, looked at after each picture; all statistics together.",
        "",
        "## A world that does not change",
        "",
        "| world | reference | runs | pictures a run | alarms in 20,000 pictures | runs with any |",
        "|---|---|---|---|---|---|",
    ]
    for title, rows in result["false_alarms"].items():
        for row in rows:
            cells = [row["reference"], row["runs"], row["pictures"], row["per_20000"], row["sites_with_one"]]
            lines.append(f"| {title} | {' | '.join(map(str, cells))} |")
    lines += [
        "",
        "## Another source takes over",
        "",
        f"Pictures of the new source until the alarm; over {FOLLOWED}: none within {FOLLOWED}.",
        "",
        "| change | reference | old pictures before | median | nine in ten within | found | named first |",
        "|---|---|---|---|---|---|---|",
    ]
    for title, rows in result["delays"].items():
        for row in rows:
            named = max(row["named"], key=row["named"].get, default="–")
            times = [f"{row[name]:.0f}" for name in ("median", "within_nine_tenths")]
            cells = [row["reference"], row["old_pictures_before"], *times, row["found"], named]
            lines.append(f"| {title} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def main(out: Path, runs: int, pictures: int) -> str:
    mirror = "CXR_MIRROR=… " if "CXR_MIRROR" in os.environ else ""
    result = {
        "command": f"{mirror}python -m tools.watch_promise --out FILE --runs {runs} --pictures {pictures}",
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        **measured(runs, pictures, np.random.default_rng(16)),
    }
    write_json(result, out.with_suffix(".json"))
    write_text(page(result), out.with_suffix(".md"))
    return f"{out.with_suffix('.md').name} and {out.with_suffix('.json').name}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="without ending; .json and .md are written")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--pictures", type=int, default=OLD_PICTURES, help="of a world that does not change")
    arguments = parser.parse_args()
    run_stage(lambda: main(arguments.out, arguments.runs, arguments.pictures))
