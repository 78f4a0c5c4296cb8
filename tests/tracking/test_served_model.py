"""The registered model in MLflow's own hands: its scoring server and its evaluation answer as the service does."""

import base64
import io

import numpy as np
import pytest

from cxr.inference.answer import answer
from cxr.inference.predictor import Predictor
from tests.tracking.specs import some_spec

pytestmark = pytest.mark.slow
URI = "models:/covid-cxr/1"


def pictures() -> list[np.ndarray]:
    """Of which complete_bundle refuses the first, and calls the others COVID and NonCOVID."""
    middle = np.full((32, 32), 10, np.uint8)
    middle[8:24, 8:24] = 250
    return [np.full((32, 32), 90, np.uint8), middle, 255 - middle]


def text_of(pixels: np.ndarray) -> str:
    from PIL import Image

    with io.BytesIO() as handle:
        Image.fromarray(pixels).save(handle, "PNG")
        return base64.b64encode(handle.getvalue()).decode()


@pytest.fixture
def registered(client, tmp_path, complete_bundle):
    from cxr.tracking.registry import register_model
    from cxr.tracking.training_run import start_run

    with start_run(some_spec(), tmp_path / "reports") as record:
        pass
    return register_model("covid-cxr", complete_bundle, record.run_id, "", {})


def test_mlflow_s_server_answers_as_the_service_does(registered, complete_bundle) -> None:
    import mlflow
    from mlflow.pyfunc import scoring_server
    from starlette.testclient import TestClient

    served = TestClient(scoring_server.init(mlflow.pyfunc.load_model(URI)))
    rows = [[text_of(pixels)] for pixels in pictures()]
    asked = served.post("/invocations", json={"dataframe_split": {"columns": ["image"], "data": rows}})
    assert asked.status_code == 200, asked.text
    model = Predictor.load(complete_bundle, precision="auto", latency=True)  # as serving/champion.py loads it
    for row, pixels in zip(asked.json()["predictions"], pictures(), strict=True):
        said = answer(model, pixels)
        assert row["state"] == said.state
        assert row["reason"] == ("" if said.reason is None else said.reason.code)
        expected = None if said.probabilities is None else pytest.approx(said.probabilities["COVID"], abs=1e-9)
        assert row["p_covid"] == expected
    example = mlflow.pyfunc.load_model(URI).input_example
    assert list(example.columns) == ["image"]


def test_mlflow_s_evaluation_takes_the_registered_model(registered) -> None:
    import mlflow
    import pandas as pd

    _, covid, other = pictures()
    table = pd.DataFrame({"image": [text_of(covid), text_of(other)] * 4, "label": ["COVID", "NonCOVID"] * 4})
    found = mlflow.models.evaluate(
        URI,
        table,
        targets="label",
        model_type="classifier",
        model_config={"column": "state"},
        evaluators="default",
        evaluator_config={"log_explainer": False, "pos_label": "COVID"},
    )
    assert found.metrics["accuracy_score"] == 1
    assert found.metrics["recall_score"] == 1
