"""Schemathesis against the real service: every check, over the OpenAPI document that the service itself serves.

python tests/serving/fuzz_http.py --cases 3000 --out docs/results/fuzz-http.json
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.serving.bento_server import put_model, served
from tests.tiny import tiny_bundle

HERE = Path(__file__).parent
KEY = "fuzz"  # with a key, the checks of authentication have something to check
POSTED = 4  # operations with a body, among which the cases are shared out
TIMEOUT_S = 1800


def fuzz(folder: Path, cases: int, seed: int) -> tuple[dict[str, Any], str]:
    """Schemathesis' report after at least `cases` requests, and what it printed. folder: for the store."""
    put_model(folder, tiny_bundle(folder / "bundle"))
    report = folder / "report.json"
    with served(folder, CXR_API_KEY=KEY, CXR_MAX_BYTES="1048576") as server:
        command = [
            *(
                sys.executable,
                "-m",
                "schemathesis.cli",
                "run",
                f"{server.url}/docs.json",
                "--header",
                f"X-API-Key: {KEY}",
            ),
            *("--checks", "all", "--phases", "coverage,fuzzing", "--max-examples", str(max(1, cases // POSTED))),
            *("--continue-on-failure", "--seed", str(seed), "--generation-database", "none", "--no-color"),
            *("--report", "json", "--report-json-path", str(report)),
        ]
        paths = os.pathsep.join([str(HERE), str(HERE.parents[1])])
        environment = os.environ | {"SCHEMATHESIS_HOOKS": "fuzz_hooks", "PYTHONPATH": paths}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        log = server.log
    if not report.is_file():
        raise RuntimeError(f"Schemathesis gave no report:\n{done.stdout}{done.stderr}")
    return json.loads(report.read_text()) | {"tracebacks": log.count("Traceback")}, done.stdout


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cases", type=int, default=3000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report, printed = fuzz(Path(folder), given.cases, given.seed)
    print(printed)
    if given.out:
        given.out.write_text(json.dumps(summary(report, given.seed), indent=2, sort_keys=True) + "\n")
    return int(bool(report["failures"] or report["errors"]))


def summary(report: dict[str, Any], seed: int) -> dict[str, Any]:
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "schemathesis": report["schemathesis_version"],
        "seed": seed,
        "seconds": round(report["running_time"]),
        "operations": report["operations"]["tested"],
        "test_cases": report["test_cases"],
        "failures": report["failures"],
        "errors": report["errors"],
        "tracebacks_in_the_servers_log": report["tracebacks"],
    }


if __name__ == "__main__":
    sys.exit(main())
