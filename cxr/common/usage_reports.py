"""The tools under this project report their use to their vendors unless told not to; a hospital's pipeline reports
nothing."""

import os
import sys

# The Makefile exports the same; a test compares them.
SWITCHES = {
    "BENTOML_DO_NOT_TRACK": "True",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "NNCF_CI": "1",
}


def switch_off() -> None:
    """For this process and those that it starts. To be called before the first import of MLflow, NNCF or OpenVINO.

    OpenVINO has no switch: it reports wherever the package openvino_telemetry can be imported. A name that is bound
    to None in sys.modules cannot be.
    """
    os.environ.update(SWITCHES)
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
