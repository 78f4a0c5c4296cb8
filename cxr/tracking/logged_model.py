"""A bundle as a model of MLflow's: its files, its code, its signature and an example, registered as a version."""

import base64
import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

# What loading and answering needs. Said outright: MLflow would take 15 seconds to find out.
REQUIREMENTS = (
    "imagecodecs",
    "mlflow",
    "numpy",
    "openvino",
    "pandas",
    "pi-heif",
    "pillow",
    "pydicom",
    "pyyaml",
    "tqdm",
)
PACKAGE = Path(__file__).resolve().parents[1]
EXAMPLE_SIDE = 64  # pixels: enough to show the form of a request


def log_and_register(name: str, bundle: Path, run_id: str, tags: Mapping[str, str]) -> int:
    """The number of the new version. tags: it has them from the first moment, so a process that is killed leaves none
    that would be registered twice."""
    import mlflow

    with _quiet(), _continued(run_id):
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc_model.py")),
            artifacts={"bundle": str(bundle)},
            code_paths=[str(PACKAGE)],
            pip_requirements=[f"{package}=={installed_version(package)}" for package in REQUIREMENTS],
            signature=signature(),
            model_config={"precision": "auto", "column": ""},
            input_example=input_example(),
        )
        return int(mlflow.register_model(logged.model_uri, name, tags=dict(tags)).version)


def signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    outputs = {"state": "string", "percentage": "double", "p_covid": "double", "reason": "string"}
    return ModelSignature(
        inputs=Schema([ColSpec("string", "image")]),
        outputs=Schema([ColSpec(kind, name) for name, kind in outputs.items()]),
    )


def input_example() -> "pd.DataFrame":
    """A request of one picture, which shows no patient: a grey disc on black, as a PNG in Base64."""
    import pandas as pd
    from PIL import Image

    across, down = np.meshgrid(*[np.linspace(-1, 1, EXAMPLE_SIDE)] * 2)
    pixels = (np.clip(1 - across**2 - down**2, 0, 1) * 200).astype(np.uint8)
    with io.BytesIO() as handle:
        Image.fromarray(pixels).save(handle, "PNG")
        return pd.DataFrame({"image": [base64.b64encode(handle.getvalue()).decode()]})


@contextlib.contextmanager
def _continued(run_id: str) -> Iterator[None]:
    """The run is MLflow's active one within the block. Its end stays the training's."""
    import mlflow

    client = mlflow.MlflowClient()
    ended = client.get_run(run_id).info.end_time
    with mlflow.start_run(run_id=run_id, log_system_metrics=False):
        yield
    client.set_terminated(run_id, "FINISHED", ended)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """MLflow prints what it does on standard error, and warns of what pandas and others will change."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
