"""The registered model as MLflow loads it: a table of Base64 pictures in, a table of answers out.

MLflow keeps this file as the model's code ("models from code"): nothing is pickled. It runs where MLflow serves
the model, not in our own service, which needs no MLflow.
"""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel

from cxr.engine import Engine
from cxr.images import to_pixels
from cxr.labels import COVID, NON_COVID
from cxr.payload import decode_base64

MAX_BYTES = 50_000_000  # of one picture


class CxrModel(PythonModel):
    """Wraps cxr.engine.Engine, which also answers in the service and on the command line."""

    def load_context(self, context: Any) -> None:
        self.engine = Engine.load(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Column image (Base64 or data URI) to columns state, percentage (of that state, 0 to 100), p_covid."""
        side, threshold = self.engine.facts["side"], self.engine.facts["threshold"]
        pictures = [to_pixels(decode_base64(text, MAX_BYTES), side) for text in model_input["image"]]
        p_covid = self.engine.predict(np.stack(pictures)) if pictures else np.zeros(0)
        is_covid = p_covid >= threshold
        return pd.DataFrame(
            {
                "state": np.where(is_covid, COVID, NON_COVID),
                "percentage": 100 * np.where(is_covid, p_covid, 1 - p_covid),
                "p_covid": p_covid,
            }
        )


mlflow.models.set_model(CxrModel())
