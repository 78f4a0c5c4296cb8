"""Seconds by stage, from a clock that the test moves."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.stage_times import BETWEEN, run_timed, seconds_by_stage

SAID = [
    (2.0, "'data/raw.dvc' didn't change, skipping\n"),
    (3.0, "Running stage 'download':\n"),
    (3.5, "> python -m stages.download\n"),
    (10.0, "download: fetched own, 6.2 s\n"),
    (11.0, "Stage 'index' didn't change, skipping\n"),
    (12.0, "Running stage 'features@inceptionv3':\n"),
    (40.0, "Updating lock file 'dvc.lock'\n"),
]


def test_a_stage_lasts_until_the_next_is_announced() -> None:
    now = [0.0]

    def lines() -> Iterator[str]:
        for now[0], line in SAID:
            yield line
        now[0] = 42.0

    seconds = seconds_by_stage(lines(), lambda: now[0])
    assert seconds == pytest.approx({BETWEEN: 3 + 1, "download": 8, "features@inceptionv3": 30})
    assert list(seconds)[1:] == ["download", "features@inceptionv3"]


def test_what_the_command_says_is_passed_on_and_its_status_is_returned(tmp_path: Path) -> None:
    said = "".join(line for _, line in SAID)
    program = f"import sys, os; sys.stdout.write({said!r} + os.getcwd()); sys.exit(3)"
    echo = io.StringIO()
    status, seconds = run_timed([sys.executable, "-c", program], tmp_path, echo)
    assert status == 3
    assert set(seconds) == {BETWEEN, "download", "features@inceptionv3"}
    assert echo.getvalue() == said + str(tmp_path.resolve())
