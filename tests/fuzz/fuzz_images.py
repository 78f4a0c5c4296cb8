"""Mutated pictures and DICOMs through the decoder: only ImageError may come out, soon, and in little memory.

    python -m tests.fuzz.fuzz_images --inputs 100000 --seed 1 --out docs/results/fuzz-images.json

Input number i of a seed is the same bytes on every machine: `--show i` runs that one alone, with its traceback.
The decoder runs in child processes, so that a crash or a hang is counted and the run goes on. Exit status 1
when there was a crash, a hang or another exception.
"""

import argparse
import collections
import datetime
import functools
import importlib.metadata
import json
import multiprocessing
import os
import platform
import random
import resource
import sys
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np

from cxr.common.errors import ImageError
from cxr.imaging.decode import IMAGE_ERROR_CODES, MAX_PIXELS, decode, resize
from tests.fuzz.mutations import mutated
from tests.fuzz.samples import every_sample, ramp, saved

PHONES = Path(__file__).parents[1] / "imaging/heic"
HANG_S = 1.0  # of processor time for one input
WATCHDOG_S = 20.0  # of wall time, after which the process is killed; far above HANG_S since machines are shared
BATCH = 200
SIDE = 32


@dataclass
class Tally:
    """What came of some inputs. faults: what Pillow or pydicom raised beneath a "corrupt"."""

    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    faults: collections.Counter[str] = field(default_factory=collections.Counter)
    failures: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest_input: int = -1
    peak_mib: float = 0.0

    def add(self, other: "Tally") -> None:
        self.outcomes += other.outcomes
        self.faults += other.faults
        self.failures += other.failures
        self.peak_mib = max(self.peak_mib, other.peak_mib)
        if other.slowest_s > self.slowest_s:
            self.slowest_s, self.slowest_input = other.slowest_s, other.slowest_input


@functools.cache
def samples() -> list[bytes]:
    phones = [path.read_bytes() for path in sorted(PHONES.glob("*.heic"))]
    return [*every_sample().values(), *phones, saved(ramp(), "AVIF")]


def input_bytes(seed: int, number: int) -> bytes:
    return mutated(random.Random(f"{seed}/{number}"), samples())


class WrongAnswerError(Exception):
    """The decoder gave an answer that it must not give."""


def check(data: bytes) -> tuple[str, str]:
    """Decode one input; (outcome, fault beneath it). Raises whatever the decoder must not do."""
    try:
        picture = decode(data)
    except ImageError as error:
        if error.code not in IMAGE_ERROR_CODES or not fit_sentence(str(error)):
            raise WrongAnswerError(f"an unfit error: {error.code!r}, {str(error)!r}") from error
        return error.code, type(error.__context__).__name__ if error.__context__ else ""
    if picture.dtype != np.uint8 or picture.ndim != 2 or not 0 < picture.size <= MAX_PIXELS:
        raise WrongAnswerError(f"{picture.dtype} {picture.shape} is no picture")
    if resize(picture, SIDE).shape != (SIDE, SIDE):
        raise WrongAnswerError(f"a picture of {picture.shape} cannot be resized")
    return "decoded", ""


def fit_sentence(text: str) -> bool:
    return len(text) < 300 and text.isascii() and text.isprintable()


def run_one(seed: int, number: int, tally: Tally) -> None:
    data = input_bytes(seed, number)
    started = time.process_time()
    try:
        outcome, fault = check(data)
    except Exception as found:  # noqa: BLE001  whatever it is, finding it is what this program is for
        outcome, fault = "failure", ""
        tally.failures.append(f"input {number}: {type(found).__name__}: {found}")
    spent = time.process_time() - started
    tally.outcomes[outcome] += 1
    if fault:
        tally.faults[fault] += 1
    if spent > HANG_S:
        tally.failures.append(f"input {number}: {spent:.1f} s of processor time")
    if spent > tally.slowest_s:
        tally.slowest_s, tally.slowest_input = spent, number


def serve_batches(link: Connection, current: Any, seed: int) -> None:
    """In a child: for each (first, last) that arrives, send back a Tally. `current` says which input is running."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # libtiff writes a line there for most damages
    while (batch := link.recv()) is not None:
        tally = Tally()
        for number in range(*batch):
            current.value = number
            run_one(seed, number, tally)
        tally.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        link.send(tally)


class Worker:
    """A child process and the batch that it is at."""

    def __init__(self, seed: int):
        context = multiprocessing.get_context("spawn")
        self.seed = seed
        self.link, theirs = context.Pipe()
        self.current = context.Value("q", -1, lock=False)
        self.process = context.Process(target=serve_batches, args=(theirs, self.current, seed), daemon=True)
        self.process.start()
        theirs.close()
        self.batch = (0, 0)
        self.seen = (-1, time.monotonic())  # the input that was running when last looked at, and since when

    def give(self, first: int, last: int) -> None:
        self.batch, self.seen = (first, last), (-1, time.monotonic())
        self.link.send((first, last))

    def hangs(self) -> bool:
        if self.current.value != self.seen[0]:
            self.seen = (self.current.value, time.monotonic())
        return time.monotonic() - self.seen[1] > WATCHDOG_S

    def stop(self) -> None:
        self.process.kill()
        self.process.join()


def fuzz(inputs: int, seed: int, processes: int) -> Tally:
    """Run inputs 0..inputs-1 of a seed."""
    total = Tally()
    todo = collections.deque((first, min(inputs, first + BATCH)) for first in range(0, inputs, BATCH))
    workers = [Worker(seed) for _ in range(processes)]
    busy = [worker for worker in workers if _next(worker, todo)]
    while busy:
        ready = wait([worker.link for worker in busy], timeout=0.5)
        for worker in list(busy):
            if worker.link in ready or worker.hangs():
                busy.remove(worker)
                busy += _take(worker, todo, total)
        print(f"\r{sum(total.outcomes.values())} of {inputs}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return total


def _next(worker: Worker, todo: collections.deque[tuple[int, int]]) -> bool:
    if todo:
        worker.give(*todo.popleft())
        return True
    worker.stop()
    return False


def _take(worker: Worker, todo: collections.deque[tuple[int, int]], total: Tally) -> list[Worker]:
    """Count a worker's batch; one that died or hangs is replaced, and its batch goes on after the guilty input."""
    try:
        if not worker.link.poll():
            raise TimeoutError(f"no end after {WATCHDOG_S} s")
        total.add(worker.link.recv())
    except (EOFError, ConnectionResetError, TimeoutError) as fault:
        worker.stop()
        guilty = worker.current.value
        total.failures.append(f"input {guilty}: {fault or f'died with exit code {worker.process.exitcode}'}")
        total.outcomes["failure"] += 1
        todo.extend(part for part in ((worker.batch[0], guilty), (guilty + 1, worker.batch[1])) if part[0] < part[1])
        worker = Worker(worker.seed)
    return [worker] if _next(worker, todo) else []


def report(tally: Tally, arguments: argparse.Namespace, seconds: float) -> dict[str, Any]:
    versions = {name: importlib.metadata.version(name) for name in ("pillow", "pydicom", "numpy")}
    return {
        "command": f"python -m tests.fuzz.fuzz_images --inputs {arguments.inputs} --seed {arguments.seed}",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {processor_name()}",
        "versions": {"python": platform.python_version(), **versions},
        "seed": arguments.seed,
        "samples": len(samples()),
        "inputs": sum(tally.outcomes.values()),
        "outcomes": dict(sorted(tally.outcomes.items())),
        "faults_beneath_corrupt": dict(tally.faults.most_common()),
        "failures": tally.failures,
        "slowest_input": {"number": tally.slowest_input, "processor_ms": round(tally.slowest_s * 1000, 1)},
        "peak_resident_mib": round(tally.peak_mib),
        "seconds": round(seconds),
    }


def processor_name() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, help="write the run's facts here, as JSON")
    parser.add_argument("--show", type=int, metavar="NUMBER", help="run this input alone")
    arguments = parser.parse_args()
    if arguments.show is not None:
        print(check(input_bytes(arguments.seed, arguments.show)))
        return 0
    started = time.monotonic()
    tally = fuzz(arguments.inputs, arguments.seed, arguments.processes)
    facts = report(tally, arguments, time.monotonic() - started)
    text = json.dumps(facts, indent=2) + "\n"
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    print(text, end="")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
