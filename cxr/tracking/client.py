"""A run of a store, written to directly: what is told after registration, about this store's version."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxr.tracking.records import Log, Point, temporary_file
from cxr.tracking.spec import RunSpec, flattened, plain

if TYPE_CHECKING:
    from mlflow import MlflowClient

BATCH_METRICS = 1000  # MLflow's limits for one request
BATCH_PARAMS = 100


class TrainingRecord(Log):
    """Figures, JSON and files become the run's artifacts. time: of its numbers, ms since 1970."""

    def __init__(
        self,
        client: "MlflowClient",
        run_id: str,
        parent_run_id: str,
        spec: RunSpec,
        origin: Mapping[str, str],
        time: int,
    ):
        self.client = client
        self.run_id = run_id
        self.parent_run_id = parent_run_id
        self.spec = spec
        self.origin = origin
        self.time = time

    @property
    def parent(self) -> "TrainingRecord":
        return TrainingRecord(self.client, self.parent_run_id, "", self.spec, self.origin, self.time)

    def log_file(self, path: Path, folder: str = "") -> None:
        self.client.log_artifact(self.run_id, str(path), folder or None)

    def tag(self, **tags: str) -> None:
        for name, value in tags.items():
            self.client.set_tag(self.run_id, f"cxr.{name}", value)

    def _log_points(self, points: Sequence[Point]) -> None:
        log_points(self.client, self.run_id, points, self.time)

    def _log_artifact(self, name: str, write: Callable[[Path], Any]) -> None:
        with temporary_file(name) as path:
            write(path)
            self.log_file(path, name.rpartition("/")[0])


def log_points(client: "MlflowClient", run_id: str, points: Sequence[Point], ended: int) -> None:
    """ended: the time of points without one. A point that the run has already is not kept twice."""
    from mlflow.entities import Metric

    metrics = [Metric(name, value, ended if time is None else time, step) for name, value, step, time in points]
    for start in range(0, len(metrics), BATCH_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + BATCH_METRICS])


def log_params(client: "MlflowClient", run_id: str, params: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    flat = [Param(name, str(value)) for name, value in flattened(plain(params)).items()]
    for start in range(0, len(flat), BATCH_PARAMS):
        client.log_batch(run_id, params=flat[start : start + BATCH_PARAMS])


def milliseconds() -> int:
    return int(time.time() * 1000)
