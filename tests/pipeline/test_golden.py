"""The same bytes give the same probability in the stage, on the command line and over HTTP, in float32.

Of so few validation images it is up to chance and to the machine whether eight bits hold too, and `auto` would take
them.
"""

import csv
import io
import json
import os
import sys
from unittest import mock

import pytest

from tests.pipeline.conftest import Workspace
from tools.ask import predict, service

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
COUNT = 5


def test_stage_command_line_and_http_agree(finished: Workspace) -> None:
    winner = json.loads((finished.folder / "reports/register.json").read_text())["winner"]
    with (finished.folder / f"reports/models/{winner}/validation.csv").open() as handle:
        rows = list(csv.DictReader(handle))[:COUNT]
    stage = [float(row["p_covid"]) for row in rows]
    files = [finished.folder / "data/raw" / row["path"] for row in rows]

    table = finished.run(sys.executable, "-m", "cxr.cli", "predict", "--precision", "f32", *map(str, files)).stdout
    line = [float(row["probability_covid"]) for row in csv.DictReader(io.StringIO(table))]

    with (
        mock.patch.dict(os.environ, {"BENTOML_HOME": str(finished.folder / "bentoml"), "CXR_PRECISION": "f32"}),
        service("covid-cxr-test", finished.folder / "serve.log") as address,
    ):
        answers = [predict(address, file.read_bytes()) for file in files]
    http = [answer["probabilities"]["COVID"] for answer in answers]

    assert line == pytest.approx(stage, abs=1e-4)
    assert http == pytest.approx(stage, abs=1e-4)
