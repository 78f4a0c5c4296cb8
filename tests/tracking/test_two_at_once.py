"""Two people register at once, on one PostgreSQL: two versions each time, one run of each training, no lock left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.postgres import Postgres
from tests.tracking.specs import ROOT, bundle_at, some_spec

ROUNDS = 10
PERSON = """
import sys
from pathlib import Path
from cxr.tracking.publishing import log_winner, publish
from cxr.tracking.registry import register_model, set_challenger
who, root = sys.argv[1], Path(sys.argv[2])
for number in sys.stdin:
    told = publish(root / "reports")
    log_winner(told, {"auc": {"value": 0.9}}, "highest auc")
    bundle = root / f"{who}-{number.strip()}"
    set_challenger(register_model("covid-cxr", bundle, told.run_id, who, {"backbone": who}))
    print("done", flush=True)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_versions_each_time_and_one_run(
    client, postgres_server: Postgres, mlflow_template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    from cxr.tracking.training_run import start_run

    with start_run(some_spec(), tmp_path / "reports") as record:
        record.log_curves({"train_loss": [0.7, 0.5]})
    uri = postgres_server.create("two_at_once", mlflow_template)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", uri)
    people = [
        subprocess.Popen(
            [sys.executable, "-c", PERSON, who, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for who in ("ada", "bob")
    ]
    known = MlflowClient(uri, uri)
    try:
        for number in range(ROUNDS):
            for who in ("ada", "bob"):
                bundle_at(tmp_path / f"{who}-{number}", f"{who} {number}")
            for person in people:
                person.stdin.write(f"{number}\n")
                person.stdin.flush()
            assert [person.stdout.readline() for person in people] == ["done\n", "done\n"]
            versions = known.search_model_versions("name = 'covid-cxr'")
            assert len(versions) == 2 * (number + 1)
            assert len({version.tags["cxr.bundle_sha256"] for version in versions}) == len(versions)
            assert set(known.get_registered_model("covid-cxr").aliases) == {"challenger"}
    finally:
        for person in people:
            person.kill()
            person.communicate()
    (experiment,) = [found for found in known.search_experiments() if found.name == "covid-cxr"]
    kinds = sorted(run.data.tags["cxr.kind"] for run in known.search_runs([experiment.experiment_id]))
    assert kinds == ["backbone", "parent"]
    assert not known.get_registered_model("covid-cxr").tags
