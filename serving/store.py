"""The champion in BentoML's model store, where the service finds it."""

from pathlib import Path

import bentoml
from bentoml.exceptions import NotFound

from cxr.inference.bundle import copy_bundle


def publish(bundle: Path, model: str, number: int) -> None:
    """Make `model:latest` this bundle, stored as `model:v<number>`; number: of the version in MLflow's registry."""
    tag = f"{model}:v{number}"
    try:
        if str(bentoml.models.get(f"{model}:latest").tag) == tag:
            return
        bentoml.models.delete(tag)  # an earlier champion comes back: "latest" is the one stored last
    except NotFound:
        pass
    with bentoml.models.create(tag, labels={"mlflow_version": str(number)}) as stored:
        copy_bundle(bundle, Path(stored.path))
