"""Measure how long each stage of a `dvc repro` takes, from the lines that DVC prints."""

import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

BETWEEN = "dvc"  # DVC's own start, and its look at the stages that are up to date
# "Running stage 'x':", and "Stage 'x' didn't change, skipping" or "Stage 'x' is cached - …".
_ANNOUNCED = re.compile(r"(Running stage|Stage) '([^']+)'")


def run_timed(
    command: list[str], folder: Path, echo: TextIO, environment: dict[str, str] | None = None
) -> tuple[int, dict[str, float]]:
    """Run `dvc repro …` in `folder`; return its exit status, and seconds by stage.

    Its standard output goes to `echo` line by line. Standard error, where progress bars are drawn, stays as it is.
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        seconds = seconds_by_stage(_echoed(process.stdout, echo))
    return process.returncode, seconds


def seconds_by_stage(lines: Iterable[str], clock: Callable[[], float] = time.monotonic) -> dict[str, float]:
    """Seconds from the line that announces a stage to the next such line or to the end, in the order of running.

    The time before and between stages is under BETWEEN. A stage's time includes hashing and caching its outputs.
    """
    seconds = {BETWEEN: 0.0}
    current = BETWEEN
    since = clock()
    for line in lines:
        announced = _ANNOUNCED.match(line)
        if announced:
            now = clock()
            seconds[current] = seconds.get(current, 0.0) + now - since
            current = announced[2] if announced[1] == "Running stage" else BETWEEN
            since = now
    seconds[current] = seconds.get(current, 0.0) + clock() - since
    return seconds


def _echoed(lines: Iterable[str], echo: TextIO) -> Iterator[str]:
    for line in lines:
        echo.write(line)
        echo.flush()
        yield line
