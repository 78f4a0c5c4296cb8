"""What the measurements share: turns, medians, memory of a tree of processes, and running one question."""

import contextlib
import json
import os
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil
import yaml

MIB = 2**20
_SAMPLE_S = 0.05


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock and of processor time, the latter with the children that have ended.

    Other work on the machine lengthens the first, and hardly the second.
    """

    wall_s: float
    cpu_s: float


def cost_of(work: Callable[[], object]) -> Cost:
    started = time.perf_counter()
    cpu_before = _cpu_s()
    work()
    return Cost(time.perf_counter() - started, _cpu_s() - cpu_before)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def turns(contestants: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[Cost]]:
    """Run each contestant once a round, so that other work on the machine slows all of them alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, work in contestants.items():
            costs[name].append(cost_of(work))
    return costs


def median_wall_s(costs: Sequence[Cost]) -> float:
    return statistics.median(cost.wall_s for cost in costs)


def median_cpu_s(costs: Sequence[Cost]) -> float:
    return statistics.median(cost.cpu_s for cost in costs)


@dataclass
class Peak:
    """Largest memory seen, in MiB, summed over the process and its children.

    own: what the kernel cannot take back; a page that a parent and its child share counts twice. resident: the same
    with mapped files.
    """

    own_mib: float = 0.0
    resident_mib: float = 0.0


@contextlib.contextmanager
def watched_memory() -> Iterator[Peak]:
    peak = Peak()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_SAMPLE_S):
            _look(peak)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        _look(peak)
        over.set()
        watcher.join()


def _look(peak: Peak) -> None:
    own = resident = 0
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            memory = process.memory_info()
            own += memory.rss - memory.shared
            resident += memory.rss
    peak.own_mib = max(peak.own_mib, own / MIB)
    peak.resident_mib = max(peak.resident_mib, resident / MIB)


def rounded(value: Any) -> Any:
    """The value with four significant digits in every number; such a run cannot know more."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value


def run_question(measure: Callable[..., dict[str, Any]]) -> None:
    """Print the figures as one line of JSON: `python -m benchmarks.<question> size=value …`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sizes = dict(argument.split("=", 1) for argument in sys.argv[1:])
    figures = measure(**{name: yaml.safe_load(value) for name, value in sizes.items()})
    print(json.dumps(rounded(figures)))
