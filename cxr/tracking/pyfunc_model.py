"""The registered model as MLflow loads it: a table of Base64 pictures in, a table of answers out.

MLflow keeps this file as the model's code ("models from code"): nothing is pickled. It runs where MLflow serves
the model, not in our own service, which needs no MLflow.
"""

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel

from cxr.common.labels import COVID
from cxr.imaging.base64_payload import decode_base64
from cxr.imaging.decode import decode
from cxr.inference.answer import Answer, answer
from cxr.inference.predictor import Predictor

MAX_BYTES = 50_000_000  # of one picture


class CxrModel(PythonModel):
    """Answers by `cxr.inference.answer.answer`, as the service and the command line do: what they refuse, this
    refuses."""

    def load_context(self, context: Any) -> None:
        """As the service: one picture at a time, in the fastest precision that was measured to answer the same. Another
        one by `mlflow.pyfunc.load_model(…, model_config={"precision": "f32"})`. {"column": "state"} answers with that
        column alone, as `mlflow.models.evaluate` wants it of a classifier."""
        self.column = context.model_config["column"]
        precision = context.model_config["precision"]
        self.model = Predictor.load(Path(context.artifacts["bundle"]), precision=precision, latency=True)

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame | pd.Series:
        """Column image (Base64 or data URI) to columns state, percentage (of that state, 0 to 100), p_covid, reason.

        Of a refused picture percentage and p_covid are None and reason is its code; of others reason is empty.
        """
        said = [answer(self.model, decode(decode_base64(text, MAX_BYTES))) for text in model_input["image"]]
        table = pd.DataFrame([_row(one) for one in said], columns=list(OUTPUTS))
        table = table.astype(OUTPUTS)
        for name in ("percentage", "p_covid"):
            if table[name].isna().any():  # MLflow's server would write NaN, which is not JSON
                table[name] = table[name].astype(object).where(table[name].notna(), None)
        return table[self.column] if self.column else table


# Column to type, as the registered model's signature states them.
OUTPUTS = {"state": "str", "percentage": "float64", "p_covid": "float64", "reason": "str"}


def _row(said: Answer) -> dict[str, str | float | None]:
    p_covid = None if said.probabilities is None else said.probabilities[COVID]
    reason = "" if said.reason is None else said.reason.code
    return {"state": said.state, "percentage": said.percentage, "p_covid": p_covid, "reason": reason}


mlflow.models.set_model(CxrModel())
